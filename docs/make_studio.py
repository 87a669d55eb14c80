"""Takes the pictures of the studio for the documentation: a session in headless Chromium.

python docs/make_studio.py
"""

import io
import shutil
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tilecppn.scene.scene import Scene
from tilecppn.serve.studio import studio

IMAGES = Path(__file__).parent / "images"
SCENE = Scene.of(
    cppn={"preset": "silk", "seed": 26},
    canvas={"width": 2400, "height": 1600},
    view={"scale": 3.0},
)


def save(page: Page, name: str) -> None:
    """Write what the window shows into docs/images."""
    page.wait_for_selector("#view[data-complete]:not([data-complete=''])")
    page.wait_for_timeout(1500)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.save(IMAGES / name, quality=86, subsampling=0, optimize=True)


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
            page.click("#kinds [data-kind=mutations]")
            save(page, "studio.jpg")
            browser.close()
            server.shutdown_soon()
            thread.join()


if __name__ == "__main__":
    main()
