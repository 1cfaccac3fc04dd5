"""A Django project of one file: an unhandled error with its traceback, a slow query log, a missing page."""
import json, logging, os, sys
import django
from django.conf import settings

keys = json.load(open('keys.json'))['django']
settings.configure(
    DEBUG=True, ALLOWED_HOSTS=['*'], ROOT_URLCONF='urls', SECRET_KEY=os.urandom(16).hex(),
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}},
    # Its own handler is for terminals and mail.
    LOGGING_CONFIG=None,
)
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format='{levelname} {asctime} {name} {message}', style='{')
django.setup()

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import path

def charge(request):
    logging.getLogger('shop').info('headers %r', dict(request.headers))
    raise ValueError('gateway said no: %r' % {'key': keys['stripe'], 'retries': 2})

def query(request):
    with connection.cursor() as cursor:
        cursor.execute('select %s, %s', [keys['paystack'], 7])
    return HttpResponse('ok')

urls = type(sys)('urls')
urls.urlpatterns = [path('charge', charge), path('query', query)]
sys.modules['urls'] = urls
client = Client(raise_request_exception=False)
page = client.get('/charge?access_token=' + keys['flutterwave'], headers={'x-api-key': keys['flutterwave']})
client.get('/query')
client.get('/missing/' + keys['webhook'])
logging.getLogger('shop').warning('env %s', {'GATEWAY_KEY': keys['restricted']})
# The page that a developer sees, and pastes.
logging.getLogger('shop').error('%s', page.content.decode())
