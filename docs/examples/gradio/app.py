"""A Gradio app whose visitors upload straight into OSS; see docs/python-apps.md."""

import os
from typing import Any

import gradio as gr

SERVER = os.environ["UPLOAD_SERVER"]  # such as https://uploads.example
COLUMNS = ["name", "size", "crc64", "key"]
SCRIPT = """
import("SERVER/embed.js");
const files = element.querySelector("oss-ferry");
files.getToken = () => server.token();
for (const name of ["done", "removed"])
  files.addEventListener(name, () => {
    props.value = files.uploads;
    trigger("uploads");
  });
""".replace("SERVER", SERVER)


def token(_data: None, request: gr.Request) -> str:
    """Return the token that says who uploads; `request` has the cookies and the headers."""
    return os.environ.get("UPLOAD_TOKEN", "")


def rows(uploads: list[dict[str, Any]]) -> list[list[Any]]:
    """Return a row of the table for each stored file."""
    return [[each[name] for name in COLUMNS] for each in uploads]


with gr.Blocks(title="Lab results") as demo:
    gr.Markdown("# Lab results")
    files = gr.HTML(
        html_template='<oss-ferry reference="order 42" accept=".csv,image/*"></oss-ferry>',
        js_on_load=SCRIPT,
        server_functions=[token],
    )
    table = gr.Dataframe(headers=COLUMNS)
    files.uploads(rows, inputs=files, outputs=table, trigger_mode="always_last")

demo.launch(server_name="127.0.0.1", server_port=int(os.environ.get("PORT", "8001")))
