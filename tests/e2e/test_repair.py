"""A refused table is repaired in the page, and uploaded."""

import json
import pytest
from playwright.sync_api import Page
from e2e.conftest import Console

pytestmark = pytest.mark.e2e

RUN = """async ([name, text, commands]) => {
  const config = await (await fetch("api/checks")).text();
  const pool = (await ossferry.load("checks")).makePool(config);
  const repair = pool.repair(new File([text], name), name, "en");
  const out = [];
  try {
    for (const [command, given] of commands) out.push(JSON.parse(await repair.call(command, JSON.stringify(given))));
    const { file, changes } = await repair.take("right.csv");
    out.push(await file.text(), await changes.text(), Boolean(navigator.storage?.getDirectory));
  } catch (e) { out.push(String(e)); }
  repair.close();
  return out;
}"""


def test_scratch(start_demo, page: Page, console: Console) -> None:
    demo, uploader = start_demo(
        checks_built_in={
            "table": {
                "columns": ["date", "sku", "amount"],
                "types": {"date": "date", "amount": "decimal"},
                "repair": True,
            }
        }
    )
    uploader.open()
    text = "Date;SKU;Amount\n1.2.2026;0012;1,5\n13.2.2026;A;2,25\n14.2.2026; B;x\n"
    got = page.evaluate(
        RUN,
        [
            "orders.csv",
            text,
            [
                ["open", None],
                ["scan", ["date", "sku", "amount"]],
                [
                    "decide",
                    {
                        "fix": {
                            "field": "date",
                            "problem": "format",
                            "fix": "convert",
                            "to": "day.month.year",
                        }
                    },
                ],
                [
                    "decide",
                    {
                        "fix": {
                            "field": "amount",
                            "problem": "format",
                            "fix": "convert",
                            "to": "1.234,56",
                        }
                    },
                ],
                ["decide", {"cell": [3, "amount", "7"]}],
                ["write", None],
            ],
        ],
    )
    print(json.dumps(got[-5:]))
    assert 0
