// Access logs of an express application in every format of morgan.
const keys = JSON.parse(require('fs').readFileSync('keys.json')).morgan;
const express = require('express'), morgan = require('morgan'), axios = require('axios');
const app = express();
for (const format of ['combined', 'common', 'dev', 'short', 'tiny']) app.use(morgan(format, { stream: process.stdout }));
morgan.token('key', (req) => req.headers['x-api-key']);
app.use(morgan(':method :url :status :key - :response-time ms'));
app.get(/.*/, (req, res) => res.status(401).json({ ok: false }));
const server = app.listen(8933, async () => {
    const get = (path, headers) => axios.get('http://127.0.0.1:8933' + path, { headers, validateStatus: () => true });
    await get('/v1/transfers?page=2&api_key=' + keys.stripe);
    await get('/login?next=' + encodeURIComponent('/pay?key=' + keys.paystack + '&ok=1'));
    await get('/internal/keys/' + keys.webhook + ';v=1');
    await get('/v1/x', { 'x-api-key': keys.flutterwave, referer: 'https://admin.example/?token=' + keys.restricted });
    server.close();
});
