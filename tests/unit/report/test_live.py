"""A page that is served, of a run that is being written."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_text import words

from ganforge.errors import UsageError
from ganforge.registry import Components
from ganforge.report.live import LivePage
from ganforge.report.serving import served


@pytest.fixture
def page(finished: Path, components: Components) -> LivePage:
    return LivePage(finished, components)


@pytest.fixture
def port(page: LivePage) -> Iterator[int]:
    with served(page) as address:
        assert address.startswith("http://127.0.0.1:")
        yield int(address.rsplit(":", 1)[1].strip("/"))


def ask(port: int, path: str, host: str = "127.0.0.1", method: str = "GET") -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()


def test_the_page_and_its_state_are_served_and_nothing_else(port: int, finished: Path) -> None:
    status, headers, html = ask(port, "/")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "text/html; charset=utf-8", "no-store")
    assert "Live: the page refreshes itself while the run goes on." in words(html)
    assert "connect-src &#39;self&#39;" in html
    status, _, text = ask(port, "/state.json")
    state = json.loads(text)
    assert (status, state["state"]) == (200, "finished")
    assert f'data-version="{state["version"]}"' in html
    for path in ("/run.json", "/samples/", "/../run.json", "//run.json", "/?x", "/%2e%2e/run.json", str(finished)):
        status, _, text = ask(port, path)
        assert (status, text) == (404, "There is one page here, at /.\n")
    assert ask(port, "/", method="POST")[0] == 501


@pytest.mark.parametrize(("host", "status"), [("localhost:9000", 200), ("evil.example", 403), ("", 403)])
def test_pages_of_other_places_may_not_read_it(port: int, host: str, status: int) -> None:
    found, _, text = ask(port, "/state.json", host)
    assert found == status
    assert ("version" in text) == (status == 200)


def test_a_new_row_gives_a_new_version_and_page(page: LivePage, finished: Path) -> None:
    before, html = page.version(), page.html()
    with (finished / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "images": 20, "loss_generator": 7.125}\n')
    assert page.version() != before
    assert "7.125" not in html and "7.125" in page.html()
    assert page.html() is page.html()


def test_half_a_row_and_half_a_picture_are_no_reason_to_stop(page: LivePage, finished: Path) -> None:
    with (finished / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "ima')
    grid = finished / "samples" / "step_00000004.png"
    grid.write_bytes(grid.read_bytes()[:90])
    text = words(page.html())
    assert "are damaged and left out" not in text
    assert "samples/step_00000004.png is truncated" in text or "samples/step_00000004.png is damaged" in text


def test_a_run_whose_folder_is_gone_is_shown_as_it_was(page: LivePage, finished: Path) -> None:
    html = page.html()
    finished.rename(finished.parent / "moved")
    assert page.html() == html
    assert page.state()["state"] == "unknown"


def test_the_generator_is_drawn_again_only_when_there_is_another_checkpoint(
    page: LivePage, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr("ganforge.report.live.draw_from", lambda *words: drawn.append(words) or page._drawn)
    (finished / "metrics.jsonl").write_text("")
    page.html()
    assert not drawn
    (finished / "checkpoints" / "step_00000002").rename(finished / "checkpoints" / "step_00000003")
    page.html()
    assert len(drawn) == 1


def test_while_it_is_written_every_answer_is_whole(port: int, finished: Path) -> None:
    done = threading.Event()

    def write() -> None:
        grid = finished / "samples" / "step_00000004.png"
        whole = grid.read_bytes()
        for number in range(40):
            grid.write_bytes(whole[: 10 * number])
            with (finished / "metrics.jsonl").open("a") as file:
                file.write(f'{{"step": {number + 5}, "images":')
                file.flush()
                file.write(" 4}\n")
        grid.write_bytes(whole)
        done.set()

    threading.Thread(target=write).start()
    while not done.is_set():
        status, _, html = ask(port, "/")
        assert status == 200 and html.rstrip().endswith("</html>")
    assert "Steps 44 of 4" in words(ask(port, "/")[2])


def test_a_port_that_is_taken_is_named(page: LivePage, port: int) -> None:
    with pytest.raises(UsageError, match=f"can't serve at port {port}: Address already in use. Choose another"):
        served(page, port).__enter__()
