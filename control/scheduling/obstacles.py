"""Everything that can stand in the way of booking, starting or being notified: codes and their words, in one table.

Codes are stable: pages and front ends act on them. The words are for whoever meets the obstacle, the mend is for staff.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from control.identity.levels import Level


class Code(StrEnum):
    """One for each precondition."""

    VIDEO_OFF = "video_off"
    # The five links that show a slot online.
    SCHEDULE_NOT_PUBLISHED = "schedule_not_published"
    TYPE_NOT_PUBLISHED = "type_not_published"
    TEMPLATE_MISSING = "template_missing"
    WORK_PLAN_MISSING = "work_plan_missing"
    SLOT_MISSING = "slot_missing"
    SLOT_TAKEN = "slot_taken"
    # Who may book.
    TYPE_NOT_VIDEO = "type_not_video"
    ALREADY_BOOKED = "already_booked"
    AGE_UNKNOWN = "age_unknown"
    TOO_YOUNG = "too_young"
    TOO_OLD = "too_old"
    NEW_PATIENTS_CLOSED = "new_patients_closed"
    NOT_ON_LIST = "not_on_list"
    REFERRAL_MISSING = "referral_missing"
    TOO_MANY_OPEN_BOOKINGS = "too_many_open_bookings"
    TOO_LATE_TO_BOOK = "too_late_to_book"
    TOO_EARLY_TO_BOOK = "too_early_to_book"
    # Cancelling and moving.
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    CONSULTATION_RUNNING = "consultation_running"
    CONSULTATION_ENDED = "consultation_ended"
    TOO_LATE_TO_CHANGE = "too_late_to_change"
    # Starting.
    LINK_REVOKED = "link_revoked"
    LOGIN_REQUIRED = "login_required"
    WRONG_PERSON = "wrong_person"
    GUARDIAN_ENDED = "guardian_ended"
    GUESTS_NOT_ALLOWED = "guests_not_allowed"
    APPOINTMENT_NOT_VIDEO = "appointment_not_video"
    JOIN_TOO_EARLY = "join_too_early"
    JOIN_TOO_LATE = "join_too_late"
    # Being notified.
    TYPE_SILENT = "type_silent"
    NO_CONTACT_DATA = "no_contact_data"
    OPTED_OUT = "opted_out"
    PROTECTED_ADDRESS = "protected_address"


Limit = datetime | Level | int
"""What a code's limit is: an instant in UTC, a level of login, or a number."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A precondition that does not hold, with its limit where the words leave it open (see `Wording.limit`)."""

    code: Code
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """The same in bokmål and in English."""

    nb: str
    en: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What people are told of an obstacle."""

    reason: Text
    mend: Text | None = None
    """What staff can do about it, where they can."""
    limit: str | None = None
    """Name of the member that carries the limit beside the code."""


_ASK = "Ring klinikken, så hjelper vi deg."
_CALL = "Call the clinic, and we will help you."

WORDS: Final[Mapping[Code, Wording]] = MappingProxyType(
    {
        Code.VIDEO_OFF: Wording(
            Text("Klinikken har ikke timer på video.", "The clinic has no appointments by video."),
            Text("En administrator kan slå på video for klinikken.", "An administrator can switch video on."),
        ),
        Code.SCHEDULE_NOT_PUBLISHED: Wording(
            Text("Behandleren tar ikke imot bestilling på nett.", "The practitioner takes no bookings online."),
            Text("Publiser timeboken til behandleren.", "Publish the practitioner's schedule."),
        ),
        Code.TYPE_NOT_PUBLISHED: Wording(
            Text("Denne typen time kan ikke bestilles på nett.", "This type of appointment can't be booked online."),
            Text(
                "En administrator kan gjøre typen aktiv og åpen på nett.",
                "An administrator can make the type active and publish it.",
            ),
        ),
        Code.TEMPLATE_MISSING: Wording(
            Text("Behandleren har ikke satt opp timer.", "The practitioner has set up no appointments."),
            Text("Lag en ukemal for timeboken.", "Make a week template for the schedule."),
        ),
        Code.WORK_PLAN_MISSING: Wording(
            Text("Timene er ikke lagt ut ennå.", "The appointments have not been put out yet."),
            Text("Lag en arbeidsplan, eller oppdater den.", "Make a work plan, or update it."),
        ),
        Code.SLOT_MISSING: Wording(
            Text("Timen finnes ikke lenger. Velg en annen time.", "The time is gone. Choose another one."),
            Text("Sett inn en ledig time for hånd.", "Insert a free slot by hand."),
        ),
        Code.SLOT_TAKEN: Wording(
            Text("Timen er opptatt. Velg en annen time.", "The time is taken. Choose another one."),
            Text("Velg en annen time, eller sett inn en.", "Choose another slot, or insert one."),
        ),
        Code.TYPE_NOT_VIDEO: Wording(
            Text("Denne typen time kan ikke være på video.", "This type of appointment can't be by video."),
            Text("En administrator kan åpne typen for video.", "An administrator can open the type for video."),
        ),
        Code.ALREADY_BOOKED: Wording(
            Text("Du har denne timen allerede.", "You have this appointment already."),
        ),
        Code.AGE_UNKNOWN: Wording(
            Text(f"Vi mangler fødselsdatoen din. {_ASK}", f"We lack your date of birth. {_CALL}"),
            Text("Legg inn fødselsdatoen til pasienten.", "Enter the patient's date of birth."),
        ),
        Code.TOO_YOUNG: Wording(
            Text("Timen er for pasienter over en viss alder.", "The appointment is for patients above a certain age."),
            Text("Velg en annen type, eller bestill for pasienten.", "Choose another type, or book for the patient."),
            "age_from",
        ),
        Code.TOO_OLD: Wording(
            Text("Timen er for pasienter under en viss alder.", "The appointment is for patients below a certain age."),
            Text("Velg en annen type, eller bestill for pasienten.", "Choose another type, or book for the patient."),
            "age_to",
        ),
        Code.NEW_PATIENTS_CLOSED: Wording(
            Text(f"Nye pasienter kan ikke bestille på nett. {_ASK}", f"New patients can't book online. {_CALL}"),
            Text("Bestill for pasienten, eller åpne for nye.", "Book for the patient, or open for new ones."),
        ),
        Code.NOT_ON_LIST: Wording(
            Text(
                "Timen er for pasienter på behandlerens liste.", "The appointment is for the practitioner's own list."
            ),
            Text("Sett pasienten på listen, eller bestill selv.", "Put the patient on the list, or book yourself."),
        ),
        Code.REFERRAL_MISSING: Wording(
            Text(f"Du trenger henvisning til denne timen. {_ASK}", f"You need a referral for this. {_CALL}"),
            Text("Registrer henvisningen til pasienten.", "Register the patient's referral."),
        ),
        Code.TOO_MANY_OPEN_BOOKINGS: Wording(
            Text("Du har så mange timer som du kan ha.", "You have as many appointments as you can have."),
            Text("Avlys en annen time, eller bestill for pasienten.", "Cancel another one, or book for the patient."),
            "max_open",
        ),
        Code.TOO_LATE_TO_BOOK: Wording(
            Text("Det er for sent å bestille denne timen.", "It is too late to book this time."),
            Text("Bestill for pasienten, eller velg en senere time.", "Book for the patient, or choose a later time."),
            "closed_at",
        ),
        Code.TOO_EARLY_TO_BOOK: Wording(
            Text("Timen kan ikke bestilles ennå.", "This time can't be booked yet."),
            Text(
                "Bestill for pasienten, eller velg en tidligere time.",
                "Book for the patient, or choose an earlier time.",
            ),
            "opens_at",
        ),
        Code.APPOINTMENT_CANCELLED: Wording(
            Text("Timen er avlyst.", "The appointment is cancelled."),
            Text("Bestill en ny time.", "Book a new appointment."),
        ),
        Code.CONSULTATION_RUNNING: Wording(
            Text("Timen har begynt.", "The appointment has begun."),
            Text("Avslutt samtalen først.", "End the call first."),
        ),
        Code.CONSULTATION_ENDED: Wording(
            Text("Timen er avsluttet.", "The appointment has ended."),
            Text("Bestill en ny time.", "Book a new appointment."),
        ),
        Code.TOO_LATE_TO_CHANGE: Wording(
            Text(f"Det er for sent å endre timen her. {_ASK}", f"It is too late to change this here. {_CALL}"),
            Text("Endre timen for pasienten.", "Change the appointment for the patient."),
            "closed_at",
        ),
        Code.LINK_REVOKED: Wording(
            Text(
                "Lenken gjelder ikke lenger. Bruk den nyeste meldingen fra oss.",
                "The link is no longer valid. Use our newest message.",
            ),
            Text("Send lenken på nytt.", "Send the link again."),
        ),
        Code.LOGIN_REQUIRED: Wording(
            Text("Du må logge inn for å komme til timen.", "You must log in to get to the appointment."),
            Text("Velg om denne deltakeren må logge inn.", "Choose whether this attendee must log in."),
            "acr",
        ),
        Code.WRONG_PERSON: Wording(
            Text(f"Denne timen er for en annen person. {_ASK}", f"This appointment is for someone else. {_CALL}"),
            Text("Legg personen til som egen deltaker.", "Add the person as an attendee of their own."),
        ),
        Code.GUARDIAN_ENDED: Wording(
            Text(
                f"Du er ikke lenger registrert som foresatt. {_ASK}",
                f"You are no longer registered as guardian. {_CALL}",
            ),
            Text(
                "Registrer foresatte på nytt, eller legg til som ledsager.",
                "Register the guardian anew, or add a companion.",
            ),
        ),
        Code.GUESTS_NOT_ALLOWED: Wording(
            Text(f"Timen er uten gjester. {_ASK}", f"The appointment is without guests. {_CALL}"),
            Text(
                "Velg en annen rolle, eller åpne typen for gjester.",
                "Choose another role, or open the type for guests.",
            ),
        ),
        Code.APPOINTMENT_NOT_VIDEO: Wording(
            Text("Timen er ikke på video.", "The appointment is not by video."),
            Text("Gjør timen om til video.", "Make the appointment one by video."),
        ),
        Code.JOIN_TOO_EARLY: Wording(
            Text(
                "Timen er ikke åpen ennå. Kom tilbake litt før den begynner.",
                "It is not open yet. Come back shortly before it begins.",
            ),
            Text("Flytt timen, eller vent til den åpner.", "Move the appointment, or wait until it opens."),
            "opens_at",
        ),
        Code.JOIN_TOO_LATE: Wording(
            Text(f"Det er for sent å starte timen. {_ASK}", f"It is too late to start the appointment. {_CALL}"),
            Text("Bestill en ny time, eller ring pasienten.", "Book a new appointment, or phone the patient."),
            "closed_at",
        ),
        Code.TYPE_SILENT: Wording(
            Text(
                "Vi sender ikke meldinger om denne typen time.", "We send no messages about this type of appointment."
            ),
            Text(
                "En administrator kan slå på meldinger for typen.",
                "An administrator can switch messages on for the type.",
            ),
        ),
        Code.NO_CONTACT_DATA: Wording(
            Text("Vi mangler telefonnummer eller e-post til deg.", "We lack your phone number or e-mail address."),
            Text("Legg inn telefonnummer eller e-post.", "Enter a phone number or an e-mail address."),
        ),
        Code.OPTED_OUT: Wording(
            Text("Du har valgt å ikke få meldinger.", "You have chosen to get no messages."),
            Text("Spør pasienten, og slå på meldinger igjen.", "Ask the patient, and switch messages on again."),
        ),
        Code.PROTECTED_ADDRESS: Wording(
            Text(
                "Vi sender deg ikke meldinger, fordi adressen din er beskyttet.",
                "We send you no messages, as your address is protected.",
            ),
            Text("Avtal med pasienten hvordan dere holder kontakt.", "Agree with the patient on how to keep in touch."),
        ),
    }
)
