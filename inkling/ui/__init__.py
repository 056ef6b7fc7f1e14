"""The page: session state, findings, their rendering, and Gradio's layout and events."""
