// An express application that logs requests and errors with pino, as its own documentation shows.
const keys = JSON.parse(require('fs').readFileSync('keys.json')).pino;
const express = require('express'), axios = require('axios'), pino = require('pino');
const log = pino({ level: 'debug' });
const app = express();
app.use(require('pino-http')({ logger: log }));
app.get('/v1/charges', (req, res) => { req.log.info({ headers: req.headers }, 'incoming'); res.status(401).end(); });
const server = app.listen(8932, async () => {
    await axios.get('http://127.0.0.1:8932/v1/charges?page=2', { headers: { authorization: 'Bearer ' + keys.stripe, 'x-request-id': 'r-1' }, validateStatus: () => true });
    await axios.get('http://127.0.0.1:8932/v1/charges?secret=' + keys.flutterwave, { validateStatus: () => true });
    try { await axios.post('http://127.0.0.1:8931/v1/charges', { webhook_secret: keys.webhook }, { headers: { 'x-api-key': keys.paystack } }); }
    catch (err) { log.error({ err }, 'charge failed'); }
    log.child({ component: 'boot', config: { key: keys.restricted, retries: 3 } }).warn('configuration');
    server.close();
});
