"""How well what is written on a page stands out (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""

from playwright.sync_api import Page

# All text in sight, and its ratio to what lies behind it: black or white where a picture is.
FAINT = """() => {
    const parse = (text) => {
        const [red, green, blue, alpha = 1] = text.match(/[\\d.]+/g).map(Number);
        return [red, green, blue, alpha];
    };
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
    const luminance = (colour) => {
        const [red, green, blue] = colour.map((value) => value / 255).map(
            (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ratio = (one, other) => {
        const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    };
    const behind = (element, backdrop) => {
        const { backgroundColor, backgroundImage } = getComputedStyle(element);
        const shades = backgroundImage.match(/rgba?\\([^)]+\\)/g);  // of a gradient
        const colour = parse(shades?.at(-1) ?? backgroundColor);
        if (colour[3] === 1) return colour.slice(0, 3);
        const parent = element.matches("dialog") ? null : element.parentElement;
        return over(colour, parent ? behind(parent, backdrop) : backdrop);
    };
    const opacity = (element) => (element ? getComputedStyle(element).opacity : 1)
        * (element ? opacity(element.parentElement) : 1);
    const written = (element) => element.matches("input, select, textarea")
        || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const found = [];
    let looked = 0;
    for (const element of document.body.querySelectorAll("*")) {
        if (element.closest(":disabled, [inert], script, style, noscript, option")) continue;
        const seen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
        if (!seen || !written(element)) continue;
        const style = getComputedStyle(element), size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const colours = [style.color];
        if (element.placeholder) colours.push(getComputedStyle(element, "::placeholder").color);
        looked++;
        for (const colour of colours.map(parse)) {
            colour[3] *= opacity(element);
            const worst = Math.min(...[[0, 0, 0], [255, 255, 255]].map((backdrop) => {
                const ground = behind(element, backdrop);
                return ratio(over(colour, ground), ground);
            }));
            if (worst < (large ? 3 : 4.5)) found.push(
                `${worst.toFixed(2)}: ${element.outerHTML.slice(0, 120)} ${colour.join(" ")}`);
        }
    }
    return [looked, found];
}"""


def faint(page: Page) -> list[str]:
    """What does not stand out enough, with its ratio; fails if there is nothing written."""
    looked, found = page.evaluate(FAINT)
    assert looked > 3
    return list(found)
