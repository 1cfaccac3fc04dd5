"""requests with everything that urllib3 and http.client can be made to say."""
import http.client, json, logging, traceback
import requests

keys = json.load(open('keys.json'))['requests']
logging.basicConfig(level=logging.DEBUG)
http.client.HTTPConnection.debuglevel = 1
requests.get('http://127.0.0.1:8931/v1?client_secret=' + keys['flutterwave'], headers={'x-api-key': keys['stripe']})
requests.post('http://127.0.0.1:8931/v1/hooks', json={'signing': keys['webhook']}, auth=(keys['paystack'], ''))
try:
    requests.get('http://127.0.0.1:8931/v1?token=' + keys['restricted']).raise_for_status()
except requests.HTTPError:
    traceback.print_exc()
try:
    requests.get('http://127.0.0.1:1/v1?client_secret=' + keys['flutterwave'])
except requests.ConnectionError:
    logging.exception('refused')
