import { Client, handle_file } from "@gradio/client";

const answer = await fetch("{{ root }}/seven.png"); // or take a picture of your own
const picture = await answer.blob();

const client = await Client.connect("{{ root }}");
const result = await client.predict("/predict", [handle_file(picture)]);
console.log(result.data[0]);
