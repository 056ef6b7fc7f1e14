"""Serve the page to untrusted clients.

process.py: signals, temporary folder, proxies, GRADIO_* variables
address.py: host and port
launch.py: configure and launch Gradio
routes.py: allowed routes and their limits
request_limits.py: middleware that limits every request
endpoint_calls.py: validate API calls
queue_admission.py: validate events and admit them to the queue
login.py: password check with a delay after wrong attempts
api_examples.py: insert examples into the page about the API
call_examples.md: these examples
cleanup.py: remove old uploads, sessions and connections
gradio_internals.py: private names of Gradio and Uvicorn
"""
