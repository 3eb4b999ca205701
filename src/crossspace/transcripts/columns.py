"""The names under which tables and JSON files keep the parts of an utterance."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from crossspace.transcripts.units import unit_of

# English first, then German, French, Spanish, Italian, Portuguese and Dutch; without accents, signs and spaces.
# The first name that a file has is taken.
_NAMES: dict[str, str] = {
    "text": (
        "utterance text transcript transcription sentence content line caption annotation annotationvalue speech said "
        "displaytext subtitle dialogue ausserung auserung aeusserung transkript transkription satz inhalt wortlaut "
        "texte enonce parole paroles contenu texto enunciado transcripcion frase contenido testo enunciato "
        "trascrizione fala transcricao conteudo tekst uiting transcriptie zin message body value"
    ),
    "speaker": (
        "speaker speakername name who speakerid speakerlabel speakertag spk participant participantname person user "
        "username role character sprecher sprecherin sprechername locuteur locutrice orateur intervenant hablante "
        "orador locutor locutora interlocutor parlante oratore locutore interlocutore falante spreker personne persona "
        "pessoa persoon nom nombre nome naam tier tiername"
    ),
    "start": (
        "start starttime begin begintime from onset startoffset starttimestamp tmin xmin tstart startat startedat "
        "timein incue beginn anfang startzeit anfangszeit von debut tempsdebut heuredebut inicio comienzo tiempoinicio "
        "desde inizio dalle tempoinizio inicial tempoinicio starttijd begintijd van in timestamp timecodein tcin "
        "timecode time ts"
    ),
    "end": (
        "end endtime stop stoptime to until offset endoffset endtimestamp tmax xmax tend endat endedat finish timeout "
        "outcue ende endzeit bis fin tempsfin heurefin final tiempofin hasta fine alle tempofine fim termino tempofim "
        "ate einde eind eindtijd tot timecodeout tcout out"
    ),
    "duration": "duration dur length dduration dauer duree duracion durata duracao duur",
    "label": "label emotion",
    "sentiment": "sentiment",
    "id": "utteranceid uttid id",
    "conversation": "conversationid dialogueid dialogid sceneid conversation dialogue scene",
    "season": "season",
    "episode": "episode",
}
_KNOWN = {part: names.split() for part, names in _NAMES.items()}
_TIMED = ("start", "end", "duration")

_LONGEST = 500
"""Characters of a name of a column that are looked at."""


def columns_of(names: Iterable[str]) -> dict[str, str]:
    """``{part: name in the file}`` of the parts that are there; upper case, accents, spaces and signs do not matter.

    Times may have their unit in their name (``start_ms``).
    """
    # Reversed, so that the first of two columns of one name wins.
    simple = {_simple(name): name for name in reversed(list(names))}
    timed = {_simple(unit_of(name)[0]): name for name in simple.values()} | simple
    columns: dict[str, str] = {}
    for part, known in _KNOWN.items():
        there = timed if part in _TIMED else simple
        # A column has one part: "dialogue" is the text of some tables and the conversation of others.
        free = (there[name] for name in known if name in there and there[name] not in columns.values())
        if (name := next(free, None)) is not None:
            columns[part] = name
    return _with_offset(columns)


def _with_offset(columns: dict[str, str]) -> dict[str, str]:
    """Beside an onset, an offset is an end; beside a duration and without a start, it is where something starts."""
    if "start" not in columns and "end" in columns and _simple(unit_of(columns["end"])[0]) == "offset":
        columns["start"] = columns.pop("end")
    return columns


def _simple(name: Any) -> str:
    folded = unicodedata.normalize("NFKD", str(name)[:_LONGEST].casefold())
    return "".join(c for c in folded if c.isalnum())
