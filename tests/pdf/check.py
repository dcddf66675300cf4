"""Checks conformity reports with poppler, pikepdf and PDFium: text, structure, PDF/A, and that every page shows something."""

import json
import pathlib
import subprocess
import sys

import pikepdf
import pikepdf.pdfa
import pypdfium2

POPPLER, OUT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

# ISO/IEC 17025:2017, 7.8.2.1 a to p and 7.8.6, as the laboratory's file and the command line say them.
FIELDS = {
    "a title": "Conformity report: reset of kwikset-smartcode-914",
    "b laboratory": "Example Lock Laboratory, 1 Example Street, Exampleton",
    "c location": "bench 3, room 12",
    "d end": "End of report ",
    "e customer": "Example Locks Ltd, qa@locks.example",
    "f method": "played with seed 1",
    "g item": "SIM-kwikset-smartcode-914",
    "g condition": "a simulated lock",
    "h received": "2026-11-20",
    "i performed": " (UTC)",
    "j issued": "Issued",
    "k sampling": "taken by the customer",
    "l items only": "Its results relate only to the items tested.",
    "m results": "Results by model and method",
    "n deviations": "Deviations from the method",
    "o authorised": "A. Example, head of laboratory",
    "p external": "Externally provided results",
    "7.8.6 rule": "guard band as wide as the expanded uncertainty",
    "operator": "T. Tester",
    "no accreditation": "It is no accreditation",
    "clauses": "etsi-en-303-645/5.11-1",
    "measurements": "Measurements",
    "timelines": "Timelines of the decisive cases",
    "digest": "SHA-256 of results.json",
}

# pikepdf permits what it knows: these constructs of a valid file it does not. ISO 19005-3 permits properties of the XMP
# specification (xmpTPg) and those that an extension schema declares (pdfuaid), and a destination may be an indirect object.
UNKNOWN = ("/CIDSet", "namespace xmpTPg=", "namespace pdfaExtension=", "namespace pdfaSchema=", "namespace pdfaProperty=",
           "xmpMM:History is not checked", "property pdfaExtension:schemas", "property pdfuaid:part", "property xmpTPg:NPages",
           "is not valid under any of the given schemas")


def text(path, *options):
    command = [POPPLER / "pdftotext", *options, path, "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_text(path, pages):
    words = " ".join(text(path).split())
    report = words.split("End of report ")[1].split()[0]
    for number in range(1, pages + 1):
        page = " ".join(text(path, "-f", str(number), "-l", str(number)).split())
        for needed in (f"page {number} of {pages}", f"Report {report}", "SIMULATED: no real lock was tested"):
            assert needed in page, f"{path}: page {number} lacks {needed!r}"
    return words


def check_structure(path, run):
    with pikepdf.open(path) as pdf:
        root, meta = pdf.Root, pdf.open_metadata()
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"], meta["pdfuaid:part"]) == ("3", "B", "1"), path
        assert root.MarkInfo.Marked and root.Lang == "en" and root.StructTreeRoot.K is not None, path
        assert root.ViewerPreferences.DisplayDocTitle and root.OutputIntents, path
        assert not pdf.is_encrypted and "/OpenAction" not in root and "/AcroForm" not in root, path
        with pdf.open_outline() as outline:
            titles = [item.title for item in outline.root]
        assert "Clauses" in titles and "Evidence" in titles, f"{path}: {titles}"
        attached = pdf.attachments["results.json"].get_file().read_bytes()
        assert attached == (run / "results.json").read_bytes(), f"{path}: another results.json"
        assert [str(file.AFRelationship) for file in root.AF] == ["/Data"], path
        found = pikepdf.pdfa.check(pdf, "3b").findings
        new = [finding for finding in found if not any(known in finding.message for known in UNKNOWN)]
        assert not new, f"{path}: not PDF/A-3b: {new[:5]}"
        roles = set()

        def walk(node):
            if isinstance(node, pikepdf.Array):
                for kid in node:
                    walk(kid)
            elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
                roles.add(str(node.S))
                if "/K" in node:
                    walk(node.K)

        walk(root.StructTreeRoot.K)
        assert {"/H1", "/H2", "/P", "/Table", "/TR", "/TH", "/TD", "/Figure"} <= roles, f"{path}: {roles}"
    fonts = subprocess.run([POPPLER / "pdffonts", path], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    for font in fonts:
        embedded, subset, unicode = font.split()[-5:-2]
        assert (embedded, subset, unicode) == ("yes", "yes", "yes"), f"{path}: {font}"


def check_pictures(path, name):
    document = pypdfium2.PdfDocument(str(path))
    for number in range(min(len(document), 40)):
        bitmap = document[number].render(scale=0.6, grayscale=True)
        dark = sum(1 for value in bytes(bitmap.buffer) if value < 160)
        assert dark > 300, f"{path}: page {number + 1} is almost white"
    pictures = OUT / "pictures"
    pictures.mkdir(exist_ok=True)
    subprocess.run([POPPLER / "pdftoppm", "-r", "60", "-png", "-l", "6", path, pictures / name], check=True)
    return len(document)


for name in sys.argv[3:]:
    (run,) = (OUT / name).iterdir()
    path = run / "report.pdf"
    pages = check_pictures(path, name)
    words = check_text(path, pages)
    check_structure(path, run)
    size = path.stat().st_size
    assert size < 6_000_000, f"{path}: {size} bytes"
    if name == "one":
        for field, wanted in FIELDS.items():
            assert wanted in words, f"{path}: {field}: {wanted!r} is not in it"
    if name == "failing":
        assert "fail: " in words and "NO" in words and "Findings" in words, words[:600]
    if name == "documented":
        erasure = words.split("etsi-en-303-645/5.11-1")[1].split("cra/annex")[0]
        assert "documented as not met" in erasure and "shown for" not in erasure, erasure
        assert "in part, as its manual says" in words, words[:600]
    if name == "hostile":
        assert "not shown: only some claims were played" in words and "chosen scenarios only" in words, words[:600]
    if name == "all":
        cases = json.loads((run / "results.json").read_bytes())["cases"]
        missing = {case["model"] for case in cases} - set(words.replace(",", " ").replace(";", " ").split())
        assert not missing, f"{path}: {missing}"
        assert "documented as not met" in words and "as its manual says" in words, path
    print(f"{name}: {pages} pages, {size} bytes")
