from urllib.request import urlretrieve

from gradio_client import Client, handle_file

urlretrieve("{{ root }}/seven.png", "seven.png")  # or take a picture of your own
client = Client("{{ root }}")
print(client.predict(handle_file("seven.png"), api_name="/predict"))
