// What console prints of errors of axios: the whole request, several times.
const keys = JSON.parse(require('fs').readFileSync('keys.json')).axios;
const axios = require('axios');
(async () => {
    try { await axios.post('http://127.0.0.1:8931/v1/transfers?api_key=' + keys.paystack, { secret: keys.webhook }, { headers: { 'x-api-key': keys.stripe } }); }
    catch (err) { console.error(err); console.error(JSON.stringify(err.toJSON())); console.error(err.response.data); }
    try { await axios.get('http://127.0.0.1:8931/v1/charges', { auth: { username: keys.restricted, password: '' } }); }
    catch (err) { console.error(err); }
    try { await axios.get('http://127.0.0.1:1/refused?key=' + keys.flutterwave); }
    catch (err) { console.error(err.message, err.config.url, err.cause); }
})();
