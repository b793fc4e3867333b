"""What the speech synthesiser knows of English: phones, and words to say.

Formants are rounded textbook values of a grown man's voice, lengths those of read speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Formants = tuple[float, float, float]


class Noise(NamedTuple):
    """A spectrum of friction: peaks of (centre, width, level) in Hz, Hz and a factor."""

    level: float
    peaks: tuple[tuple[float, float, float], ...]


NONE = Noise(0.0, ())


@dataclass(frozen=True)
class Phone:
    """How one phone sounds.

    `kind`: vowel, glide, nasal, fricative, stop, affricate, tap or breath. `start` and `end`: the
    first three formants in Hz, of the adult male; `hold`: how much the phone insists on them
    against its neighbours, for the first formant and for the others. `voice`: level of the voice.
    `zero`: frequency of a nasal's anti-formant in Hz.
    """

    kind: str
    seconds: float
    start: Formants
    end: Formants
    hold: tuple[float, float]
    voice: float = 1.0
    noise: Noise = NONE
    zero: float = 0.0


def _vowel(seconds: float, start: Formants, end: Formants | None = None) -> Phone:
    return Phone("vowel", seconds, start, end or start, (1.0, 1.0))


_LABIAL, _DENTAL, _ALVEOLAR = (900, 2250), (1350, 2500), (1750, 2650)
_PALATAL, _VELAR = (1950, 2550), (1800, 2250)
_F = Noise(0.10, ((1500, 1800, 0.5), (4200, 3500, 0.7), (7200, 2600, 1.0)))
_TH = Noise(0.08, ((1700, 1500, 0.4), (5200, 3500, 0.7), (7600, 2200, 1.0)))
_S = Noise(0.42, ((4300, 900, 0.5), (5600, 1500, 1.0), (7400, 1800, 0.8)))
_SH = Noise(0.45, ((2500, 650, 1.0), (3600, 1200, 0.8), (5600, 2400, 0.35)))
_P = Noise(0.25, ((700, 900, 1.0), (1800, 2500, 0.5), (5000, 5000, 0.25)))
_T = Noise(0.50, ((3700, 1300, 0.9), (5200, 2600, 1.0), (1700, 1500, 0.2)))
_K = Noise(0.45, ((1850, 550, 1.0), (3800, 1800, 0.35), (6000, 4000, 0.12)))


def _at(place: tuple[float, float], first: float = 260) -> Formants:
    return (first, *place)


def _oral(
    kind: str,
    seconds: float,
    place: tuple[float, float],
    noise: Noise,
    voice: float,
    hold: float = 0.4,
) -> Phone:
    return Phone(kind, seconds, _at(place), _at(place), (0.8, hold), voice, noise)


def _nasal(seconds: float, place: tuple[float, float], zero: float) -> Phone:
    formants = _at(place, 280)
    return Phone("nasal", seconds, formants, formants, (1.0, 0.6), 0.45, zero=zero)


def _glide(seconds: float, formants: Formants, voice: float, hold: float = 1.2) -> Phone:
    return Phone("glide", seconds, formants, formants, (1.0, hold), voice)


PHONES = {
    "IY": _vowel(0.095, (290, 2250, 2950)),
    "IH": _vowel(0.065, (410, 1930, 2550)),
    "EH": _vowel(0.083, (550, 1780, 2480)),
    "AE": _vowel(0.110, (670, 1700, 2420)),
    "AA": _vowel(0.108, (720, 1120, 2450)),
    "AO": _vowel(0.106, (590, 880, 2450)),
    "AH": _vowel(0.074, (620, 1220, 2450)),
    "UH": _vowel(0.062, (450, 1080, 2300)),
    "UW": _vowel(0.082, (320, 1050, 2280)),
    "ER": _vowel(0.098, (480, 1300, 1680)),
    "EY": _vowel(0.119, (490, 1900, 2550), (330, 2200, 2800)),
    "AY": _vowel(0.134, (710, 1250, 2480), (400, 1950, 2600)),
    "AW": _vowel(0.139, (720, 1320, 2450), (440, 950, 2350)),
    "OW": _vowel(0.117, (530, 1020, 2400), (370, 850, 2300)),
    "OY": _vowel(0.172, (540, 880, 2400), (380, 1950, 2550)),
    "W": _glide(0.076, (300, 680, 2250), 0.5),
    "Y": _glide(0.074, (270, 2280, 3050), 0.5),
    "R": _glide(0.068, (340, 1150, 1580), 0.6),
    "L": _glide(0.076, (370, 1050, 2750), 0.55),
    "M": _nasal(0.072, _LABIAL, 1000),
    "N": _nasal(0.067, _ALVEOLAR, 1650),
    "NG": _nasal(0.083, (2000, 2400), 2700),
    "HH": Phone("breath", 0.076, (480, 1450, 2500), (480, 1450, 2500), (0.05, 0.03), 0.0),
    "F": _oral("fricative", 0.100, _LABIAL, _F, 0.0),
    "V": _oral("fricative", 0.066, _LABIAL, _F, 0.3),
    "TH": _oral("fricative", 0.094, _DENTAL, _TH, 0.0),
    "DH": _oral("fricative", 0.054, _DENTAL, _TH, 0.4),
    "S": _oral("fricative", 0.100, _ALVEOLAR, _S, 0.0),
    "Z": _oral("fricative", 0.092, _ALVEOLAR, _S, 0.22),
    "SH": _oral("fricative", 0.104, _PALATAL, _SH, 0.0),
    "ZH": _oral("fricative", 0.095, _PALATAL, _SH, 0.22),
    "P": _oral("stop", 0.086, _LABIAL, _P, 0.0),
    "B": _oral("stop", 0.066, _LABIAL, _P, 0.2),
    "T": _oral("stop", 0.068, _ALVEOLAR, _T, 0.0),
    "D": _oral("stop", 0.061, _ALVEOLAR, _T, 0.2),
    "K": _oral("stop", 0.086, _VELAR, _K, 0.0, 0.15),
    "G": _oral("stop", 0.073, _VELAR, _K, 0.2, 0.15),
    "CH": _oral("affricate", 0.113, _PALATAL, _SH, 0.0),
    "JH": _oral("affricate", 0.088, _PALATAL, _SH, 0.2),
    "DX": _oral("tap", 0.038, _ALVEOLAR, _T, 0.35),
}
SCHWA: Formants = (500, 1450, 2480)  # where unstressed vowels tend to

# The words, commonest first: a word is drawn about as often as its rank in running text asks for.
# A flap (DX) stands where American English has one; ZH is no content and shall be skipped.
_WORDS = """
the DH AH0|and AH0 N D|of AH0 V|to T UW1|a AH0|in IH0 N|that DH AE1 T|he HH IY1|was W AA1 Z
it IH1 T|his HH IH1 Z|with W IH1 DH|I AY1|for F AO1 R|as AE1 Z|had HH AE1 D|is IH1 Z|you Y UW1
not N AA1 T|but B AH1 T|at AE1 T|on AA1 N|her HH ER1|be B IY1|she SH IY1|they DH EY1|by B AY1
which W IH1 CH|all AO1 L|this DH IH1 S|have HH AE1 V|from F R AH1 M|said S EH1 D|we W IY1
him HH IH1 M|my M AY1|were W ER1|so S OW1|or AO1 R|one W AH1 N|there DH EH1 R|no N OW1
when W EH1 N|them DH EH1 M|an AE1 N|who HH UW1|would W UH1 D|what W AH1 T|if IH1 F|me M IY1
out AW1 T|up AH1 P|their DH EH1 R|more M AO1 R|could K UH1 D|your Y AO1 R|will W IH1 L
into IH1 N T UW0|some S AH1 M|time T AY1 M|than DH AE1 N|then DH EH1 N|man M AE1 N
very V EH1 R IY0|like L AY1 K|now N AW1|other AH1 DH ER0|about AH0 B AW1 T|little L IH1 DX AH0 L
upon AH0 P AA1 N|before B IH0 F AO1 R|only OW1 N L IY0|good G UH1 D|any EH1 N IY0|two T UW1
made M EY1 D|old OW1 L D|great G R EY1 T|after AE1 F T ER0|down D AW1 N|never N EH1 V ER0
day D EY1|long L AO1 NG|come K AH1 M|see S IY1|must M AH1 S T|well W EH1 L
water W AO1 DX ER0|such S AH1 CH|again AH0 G EH1 N|here HH IY1 R|own OW1 N|house HH AW1 S
thought TH AO1 T|right R AY1 T|where W EH1 R|way W EY1|through TH R UW1|being B IY1 IH0 NG
think TH IH1 NG K|back B AE1 K|young Y AH1 NG|king K IH1 NG|hand HH AE1 N D|head HH EH1 D
thing TH IH1 NG|nothing N AH1 TH IH0 NG|should SH UH1 D|shall SH AE1 L|those DH OW1 Z
same S EY1 M|take T EY1 K|people P IY1 P AH0 L|night N AY1 T|always AO1 L W EY2 Z
face F EY1 S|eyes AY1 Z|year Y IH1 R|place P L EY1 S|life L AY1 F|room R UW1 M|voice V OY1 S
without W IH0 TH AW1 T|boy B OY1|work W ER1 K|world W ER1 L D|first F ER1 S T|once W AH1 N S
light L AY1 T|large L AA1 R JH|change CH EY1 N JH|children CH IH1 L D R AH0 N
morning M AO1 R N IH0 NG|father F AA1 DH ER0|mother M AH1 DH ER0|better B EH1 DX ER0
city S IH1 DX IY0|door D AO1 R
began B IH0 G AE1 N|gave G EY1 V|given G IH1 V AH0 N|gentle JH EH1 N T AH0 L
brought B R AO1 T|keep K IY1 P|speak S P IY1 K|black B L AE1 K|book B UH1 K|look L UH1 K
forest F AO1 R AH0 S T|river R IH1 V ER0|summer S AH1 M ER0|silver S IH1 L V ER0
friend F R EH1 N D|enough IH0 N AH1 F|however HH AW0 EH1 V ER0|something S AH1 M TH IH0 NG
picture P IH1 K CH ER0|measure M EH1 ZH ER0|pleasure P L EH1 ZH ER0|soldier S OW1 L JH ER0
fire F AY1 ER0|power P AW1 ER0|point P OY1 N T|noise N OY1 Z|joy JH OY1|cloud K L AW1 D
stone S T OW1 N|street S T R IY1 T|strange S T R EY1 N JH|school S K UW1 L|bread B R EH1 D
ship SH IH1 P|shore SH AO1 R|fish F IH1 SH|chair CH EH1 R|teacher T IY1 CH ER0|yellow Y EH1 L OW0
earth ER1 TH|heart HH AA1 R T|north N AO1 R TH|south S AW1 TH|both B OW1 TH|beyond B IH0 AA1 N D
garden G AA1 R D AH0 N|window W IH1 N D OW0|letter L EH1 DX ER0|question K W EH1 S CH AH0 N
village V IH1 L AH0 JH|winter W IH1 N T ER0|spirit S P IH1 R AH0 T|golden G OW1 L D AH0 N
put P UH1 T|foot F UH1 T|full F UH1 L|took T UH1 K|food F UW1 D|few F Y UW1|use Y UW1 Z
zeal Z IY1 L|dozen D AH1 Z AH0 N|music M Y UW1 Z IH0 K|cause K AO1 Z|rose R OW1 Z
"""
LEXICON = tuple(
    (word, tuple(phones.split()))
    for word, _, phones in (
        entry.partition(" ") for line in _WORDS.split("\n") for entry in line.split("|") if entry
    )
)
