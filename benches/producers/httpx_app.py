"""httpx and httpcore at their most talkative, and what is printed of a request."""
import json, logging
import httpx

keys = json.load(open('keys.json'))['httpx']
logging.basicConfig(level=logging.DEBUG, format='%(asctime)s %(levelname)s %(name)s %(message)s')
with httpx.Client(headers={'x-api-key': keys['stripe'], 'authorization': 'Bearer ' + keys['paystack']}) as client:
    answer = client.get('http://127.0.0.1:8931/v1/users?apiKey=' + keys['flutterwave'])
    logging.info('sent %r', answer.request.headers)
    logging.info('answered %s', answer.text)
    try:
        client.post('http://127.0.0.1:8931/v1/hooks', json={'secret': keys['webhook']}).raise_for_status()
    except httpx.HTTPStatusError as error:
        logging.error('%s %r', error, error.request.content)
    logging.info('settings %r', {'gateway': {'key': keys['restricted'], 'timeout': 30}})
    logging.info('token %s', keys['paystack'])
