//! Decoders that go on where a compressed file goes on: gzip of several members, zstd of several
//! frames. Errors say which form is damaged.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Memory that an xz stream may ask for, in KiB: the strongest preset takes 64 MiB.
const XZ_MEMORY: u32 = 80 * 1024;
/// The window that a zstd frame may ask for: the longest that its program reads without being told to.
const ZSTD_WINDOW: u64 = 128 * 1024 * 1024;

/// An error of a decoder in words that name the form. Errors of the reader below pass unchanged.
pub(super) fn damaged(form: &str, error: &io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::FileTooLarge => io::Error::new(ErrorKind::FileTooLarge, error.to_string()),
        _ if error.to_string().starts_with("damaged ") => io::Error::new(ErrorKind::InvalidData, error.to_string()),
        ErrorKind::UnexpectedEof => io::Error::new(ErrorKind::InvalidData, format!("damaged {form}: cut short")),
        // Behind a colon, the reader of tar quotes what it stumbled over: bytes of the file.
        _ if form == "tar" => {
            let said = error.to_string();
            let cause = said.split(':').next().unwrap_or_default();
            io::Error::new(ErrorKind::InvalidData, format!("damaged tar: {cause}"))
        }
        _ => io::Error::new(ErrorKind::InvalidData, format!("damaged {form}: {error}")),
    }
}

/// Reads all members of a gzip file. Zeros behind the last are padding.
pub(super) struct Gzip<R: BufRead>(Option<GzDecoder<R>>);

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(source: R) -> Self {
        Self(Some(GzDecoder::new(source)))
    }

    /// The next member, if there is one.
    fn next(mut source: R) -> io::Result<Option<GzDecoder<R>>> {
        loop {
            let rest = source.fill_buf()?;
            match rest.first() {
                None => return Ok(None),
                Some(0x1f) => return Ok(Some(GzDecoder::new(source))),
                Some(0) => {
                    let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
                    source.consume(zeros);
                }
                Some(_) => return Err(io::Error::other("something else stands behind its end")),
            }
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.0 {
            let read = decoder.read(buffer).map_err(|error| damaged("gzip", &error))?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let source = self.0.take().map(GzDecoder::into_inner);
            self.0 = source.map_or(Ok(None), Self::next).map_err(|error| damaged("gzip", &error))?;
        }
        Ok(0)
    }
}

/// Reads all frames of a zstd file.
pub(super) struct Zstd<R: BufRead> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    pub(super) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW);
        Self { source, decoder, in_frame: false }
    }

    /// Starts the next frame; false at the end.
    fn start(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        Ok(false)
    }

    /// Bytes of the frame, none at its end.
    fn decode(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let strategy = BlockDecodingStrategy::UptoBytes(buffer.len());
            self.decoder.decode_blocks(&mut self.source, strategy).map_err(|error| io::Error::other(error.to_string()))?;
        }
        let read = self.decoder.read(buffer)?;
        let written = self.decoder.get_checksum_from_data();
        if read == 0 && written.is_some() && written != self.decoder.get_calculated_checksum() {
            return Err(io::Error::other("its checksum does not fit"));
        }
        Ok(read)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            if !self.in_frame && !self.start().map_err(|error| damaged("zstd", &error))? {
                return Ok(0);
            }
            let read = self.decode(buffer).map_err(|error| damaged("zstd", &error))?;
            self.in_frame = read > 0;
            if read > 0 {
                return Ok(read);
            }
        }
        Ok(0)
    }
}

/// Reads through another reader and says what form it is when that fails.
pub(super) struct Named<R>(R, &'static str);

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| damaged(self.1, &error))
    }
}

pub(super) fn xz<R: BufRead>(source: R) -> Named<lzma_rust2::XzReader<R>> {
    Named(lzma_rust2::XzReader::new_mem_limit(source, true, XZ_MEMORY), "xz")
}

pub(super) fn bzip2<R: BufRead>(source: R) -> Named<bzip2::bufread::MultiBzDecoder<R>> {
    Named(bzip2::bufread::MultiBzDecoder::new(source), "bzip2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_quotes_nothing_of_the_file() {
        let quoting = io::Error::other("numeric field was not a number: hunter2 when getting cksum for notes.txt");
        assert_eq!(damaged("tar", &quoting).to_string(), "damaged tar: numeric field was not a number");
        assert_eq!(damaged("xz", &io::Error::other("bad header")).to_string(), "damaged xz: bad header");
    }
}
