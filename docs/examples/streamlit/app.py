"""A Streamlit app whose visitors upload straight into OSS; see docs/python-apps.md."""

import os
from typing import Any

import streamlit as st

SERVER = os.environ["UPLOAD_SERVER"]  # such as https://uploads.example

CSS = """
oss-ferry {
  --ossferry-accent: var(--st-primary-color);
  --ossferry-bg: var(--st-background-color);
  --ossferry-card: var(--st-secondary-background-color);
  --ossferry-ink: var(--st-text-color);
  --ossferry-line: var(--st-border-color);
  --ossferry-radius: var(--st-base-radius);
}
"""
SCRIPT = """
export default function ({ data, parentElement, setStateValue }) { // called in each run
  const element = parentElement.querySelector("oss-ferry");
  if (!element.getToken) { // in the first run
    for (const name of ["done", "removed"])
      element.addEventListener(name, () => setStateValue("uploads", element.uploads));
  }
  element.getToken = () => data.token;
  for (const [name, value] of Object.entries(data.attributes)) element.setAttribute(name, value);
  return import(`${data.server}/embed.js`).then(() => {});
}
"""
component = st.components.v2.component(
    "oss_ferry", html="<oss-ferry></oss-ferry>", css=CSS, js=SCRIPT
)


def oss_ferry(*, token: str, key: str = "oss_ferry", **attributes: str) -> list[dict[str, Any]]:
    """Show the uploader, and return the stored files: name, key, size, crc64, requestId, …

    Args:
        token: says who uploads.
        attributes: of the element, with `_` in place of `-`.
    """
    given = {name.replace("_", "-"): value for name, value in attributes.items()}
    result = component(
        key=key,
        data={"server": SERVER, "token": token, "attributes": given},
        default={"uploads": []},
        on_uploads_change=lambda: None,
    )
    return list(result.uploads)


st.title("Lab results")
order = st.selectbox("Order", ["order 42", "order 43"])
uploads = oss_ferry(
    token=os.environ.get("UPLOAD_TOKEN", ""),
    reference=order,
    accept=".csv,image/*",
    theme=st.context.theme.type or "light",
)
if uploads:
    st.dataframe(uploads, column_order=["name", "size", "crc64", "key"], hide_index=True)
