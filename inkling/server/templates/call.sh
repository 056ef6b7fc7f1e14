curl -s {{ root }}/seven.png -o seven.png  # or take a picture of your own
FILE=$(curl -s {{ root }}/gradio_api/upload -F files=@seven.png | cut -d '"' -f 2)
EVENT=$(curl -s {{ root }}/gradio_api/call/predict -H "Content-Type: application/json" \
  -d '{"data": [{"path": "'"$FILE"'"}]}' | cut -d '"' -f 4)
curl -sN {{ root }}/gradio_api/call/predict/$EVENT
