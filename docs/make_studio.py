"""Takes the pictures of the studio for the documentation: a session in headless Chromium.

python docs/make_studio.py
"""

import io
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

from tilecppn.scene.scene import Scene
from tilecppn.serve.studio import studio

IMAGES = Path(__file__).parent / "images"
SCENE = Scene.of(
    cppn={"preset": "silk", "seed": 26},
    canvas={"width": 2400, "height": 1600},
    view={"scale": 3.0},
)


def shot(page: Page, wait: int = 1500) -> Image.Image:
    """Take a screenshot when the picture is complete, and `wait` milliseconds later."""
    page.wait_for_timeout(wait)
    page.wait_for_selector("#view[data-complete]:not([data-complete=''])")
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def drag(page: Page, what: Locator, right: float) -> Iterator[Image.Image]:
    """Drag something to the right: what the window shows."""
    box = what.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y, steps=5)
    page.mouse.up()
    yield shot(page)


def session(page: Page) -> Iterator[Image.Image]:
    """Find a picture: what the window shows after each step."""
    page.click("#kinds [data-kind=mutations]")
    yield shot(page)
    page.click("#thumbs .thumb:nth-child(8)")
    yield shot(page)
    page.click("#kinds [data-kind=palettes]")
    yield shot(page)
    page.click("#thumbs .thumb:nth-child(5)")
    yield shot(page)
    yield from drag(page, page.locator(".stop").nth(2), 70)
    page.click("#tab-history")
    page.click("#kinds [data-kind=symmetry]")
    yield shot(page)
    page.click("#thumbs .thumb[title='radial 6']")
    yield shot(page)
    page.focus("#view")
    page.keyboard.press("z")
    yield shot(page)
    for key in ("+", "+", "]", "t"):
        page.keyboard.press(key)
        yield shot(page, 400)
    page.keyboard.press("f")
    yield shot(page)
    page.click("#kinds [data-kind=nearby]")
    page.click("#tab-time")
    page.click("text=Add this picture")
    for number in (4, 9):
        page.wait_for_selector(f"#thumbs .thumb:nth-child({number}) img.there")
        page.click(f"#thumbs .thumb:nth-child({number})")
        shot(page)
        page.click("text=Add this picture")
    page.click(".segment >> nth=1")
    page.click(".curves [title=out]")
    yield from drag(page, page.locator(".line .knot").nth(1), 40)
    page.keyboard.press("r")
    page.wait_for_selector("#start:enabled")
    yield shot(page)


def main() -> None:
    """Take the pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        SCENE.save(Path(folder, "silk.toml"))
        with studio(Path(folder, "silk.toml"), folder=folder) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            flags = ["--no-sandbox", "--force-color-profile=srgb"]
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=flags
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
            page.goto(server.url)
            shots = list(session(page))
            browser.close()
            server.shutdown_soon()
            thread.join()
    shots[0].save(IMAGES / "studio.jpg", quality=86, subsampling=0, optimize=True)
    film = [image.resize((960, 600), Image.Resampling.LANCZOS) for image in shots]
    options = {"append_images": film[1:], "duration": 1400, "loop": 0, "quality": 70, "method": 6}
    film[0].save(IMAGES / "studio.webp", save_all=True, **options)


if __name__ == "__main__":
    main()
