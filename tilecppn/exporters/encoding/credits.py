"""The credits in [about] as each format keeps them: PNG text, Exif tags, XMP.

XMP has the properties that the IPTC Photo Metadata Standard uses for title, creator, copyright
notice, description and usage terms (https://iptc.org/standards/photo-metadata/iptc-standard/).
"""

from html import escape

from tilecppn.exporters.encoding import png, tags
from tilecppn.scene.sections import About

_LANGUAGE, _LIST = '<rdf:Alt><rdf:li xml:lang="x-default">', "<rdf:Seq><rdf:li>"
_END = {_LANGUAGE: "</rdf:li></rdf:Alt>", _LIST: "</rdf:li></rdf:Seq>", "": ""}
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/">\n'
    "{properties}"
    '</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
)


def rights(about: About) -> str:
    """Return the copyright notice with the licence, for formats with one field for both."""
    return "; ".join(text for text in (about.copyright, about.licence) if text)


def attribution(about: About) -> str:
    """Return artist, copyright and licence, for formats with one field for all."""
    return " ".join(filter(None, (about.artist, rights(about))))


def is_address(licence: str) -> bool:
    """Return whether a licence is given as a web address."""
    return licence.startswith(("https://", "http://")) and not any(c.isspace() for c in licence)


def xmp(about: About) -> bytes:
    """Return the XMP packet (ISO 16684-1); empty if [about] is empty."""
    address = is_address(about.licence)
    properties = (
        ("dc:title", _LANGUAGE, about.title),
        ("dc:creator", _LIST, about.artist),
        ("dc:rights", _LANGUAGE, about.copyright),
        ("dc:description", _LANGUAGE, about.description),
        ("xmpRights:UsageTerms", _LANGUAGE, about.licence),
        ("xmpRights:WebStatement", "", about.licence if address else ""),
        ("xmpRights:Marked", "", "True" if about.copyright else ""),
    )
    said = [
        f"<{name}>{start}{escape(text)}{_END[start]}</{name}>\n"
        for name, start, text in properties
        if text
    ]
    if not said:
        return b""
    said.append(f"<xmp:CreatorTool>{tags.MAKER}</xmp:CreatorTool>\n")
    return packet("".join(said))


def packet(properties: str) -> bytes:
    """Return an XMP packet with the given properties, as XML elements."""
    return _XMP.format(properties=properties).encode()


def exif(about: About) -> dict[int, bytes]:
    """Return tags of TIFF and Exif in UTF-8, as readers expect although the standard says ASCII."""
    texts = {tags.ARTIST: about.artist, tags.COPYRIGHT: rights(about)}
    return {tag: text.encode() for tag, text in texts.items() if text}


def png_chunks(about: About) -> list[bytes]:
    """Return the text chunks of a PNG, by its standard keywords
    (https://www.w3.org/TR/png-3/#11keywords).
    """
    texts = {
        b"Title": about.title,
        b"Author": about.artist,
        b"Copyright": rights(about),
        b"Description": about.description,
        b"Software": tags.MAKER,
        b"XML:com.adobe.xmp": xmp(about).decode(),
    }
    return [png.text_chunk(text, keyword) for keyword, text in texts.items() if text]


def film(about: About) -> dict[str, str]:
    """Return the credits under ffmpeg's metadata names, which it translates for each container."""
    values = {
        "title": about.title,
        "artist": about.artist,
        "copyright": rights(about),
        "description": about.description,
    }
    return {name: value for name, value in values.items() if value}
