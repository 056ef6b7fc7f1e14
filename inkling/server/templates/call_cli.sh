curl -s {{ root }}/seven.png -o seven.png  # or take a picture of your own
{command} predict {{ root }} /predict \
  '{"picture": {"path": "seven.png", "meta": {"_type": "gradio.FileData"}}}'
