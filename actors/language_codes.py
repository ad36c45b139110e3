"""Language tags as media files write them, made comparable.

MP4 and Matroska write three letters of ISO 639-2, of its bibliographic (`ger`) or its terminological half (`deu`);
newer Matroska, and people, write two of ISO 639-1 or a BCP 47 tag (`de-AT`). A table instead of a package: the
languages that films carry. A language that is not in it still equals itself.
"""

# One language a word: ISO 639-1 first, then its ISO 639-2 codes and withdrawn or narrower ones in use
# (https://www.loc.gov/standards/iso639-2/php/code_list.php).
_SAME = (
    "af/afr am/amh ar/ara az/aze be/bel bg/bul bn/ben bs/bos ca/cat cs/ces/cze cy/cym/wel da/dan de/deu/ger el/ell/gre"
    " en/eng es/spa et/est eu/eus/baq fa/fas/per fi/fin fr/fra/fre ga/gle gl/glg gu/guj he/heb/iw hi/hin hr/hrv/scr"
    " hu/hun hy/hye/arm id/ind/in is/isl/ice it/ita ja/jpn ka/kat/geo kk/kaz km/khm kn/kan ko/kor la/lat lt/lit lv/lav"
    " mk/mkd/mac ml/mal mn/mon mr/mar ms/msa/may my/mya/bur ne/nep nl/nld/dut no/nor/nb/nob/nn/nno pa/pan pl/pol"
    " pt/por ro/ron/rum/mo/mol ru/rus sk/slk/slo sl/slv sq/sqi/alb sr/srp/scc sv/swe sw/swa ta/tam te/tel th/tha"
    " tl/tgl/fil tr/tur uk/ukr ur/urd uz/uzb vi/vie yi/yid zh/zho/chi/cmn"
)
_FIRST = {code: codes.split("/")[0] for codes in _SAME.split() for code in codes.split("/")}
_NO_LANGUAGE = {"und", "mul", "mis", "zxx", ""}  # undetermined, several, none of the list, no speech


def language_of(tag: str | None) -> str | None:
    """The language that a tag names: ISO 639-1 where there is such a code; None where it names none.

    Regions and scripts are left out: `en-GB`, `en_US` and `eng` are one language.
    """
    code = (tag or "").strip().lower().replace("_", "-").split("-")[0]
    return None if code in _NO_LANGUAGE else _FIRST.get(code, code)
