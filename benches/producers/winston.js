// A service that logs with winston: JSON, the simple format, and what it is given glued to a text.
const keys = JSON.parse(require('fs').readFileSync('keys.json')).winston;
const winston = require('winston'), axios = require('axios');
const { combine, timestamp, json, simple, errors } = winston.format;
const log = winston.createLogger({ format: combine(errors({ stack: true }), timestamp(), json()), transports: [new winston.transports.Console()] });
const plain = winston.createLogger({ format: simple(), transports: [new winston.transports.Console()] });
(async () => {
    try { await axios.get('http://127.0.0.1:8931/v1/balance?access_token=' + keys.flutterwave, { headers: { 'x-api-key': keys.stripe } }); }
    catch (err) {
        log.error('balance failed', err);
        plain.error(`balance failed: ${err.message} for ${err.config.url}`);
        log.warn('headers were ' + err.config.headers);
    }
    log.info('webhook', { endpoint: { url: 'https://shop.example/hook', signing: keys.webhook } });
    plain.info('loaded', { gateway: { secretKey: keys.paystack, id: 7 } });
    log.debug('not shown at this level', { key: keys.restricted });
    log.info({ message: JSON.stringify({ nested: { key: keys.restricted } }) });
})();
