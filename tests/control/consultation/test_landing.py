"""The page behind a link: the right room, the contact always, the shown name before joining; and nothing spent."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from control.identity.links import link_address
from control.identity.roles import Role
from control.scheduling.surface import Surface
from control.store.base import Base, Scoped
from control.store.models import Appointment, AppointmentState, Attendee, Clinic, Consultation, Patient
from signalling.roles import Role as RoomRole
from tests.control.api.world import ORIGIN, World
from tests.control.consultation.asking import (
    ask,
    attendee,
    change,
    claims,
    invite,
    join,
    landing,
    link,
    meeting,
    refused,
)
from tests.control.store.rows import NOW

CONTACT = {"clinic": "Sykehuset", "department": "Revmatologisk", "phone": "55 00 00 00", "contact": "Ring oss"}


async def with_contact(world: World) -> None:
    await change(
        world,
        Clinic,
        world.west.clinic,
        name=CONTACT["clinic"],
        department=CONTACT["department"],
        phone=CONTACT["phone"],
        contact=CONTACT["contact"],
    )


async def test_row_13_a_deep_link_opens_the_right_room_and_nothing_is_typed(world: World) -> None:
    """Of several appointments of the same patient each link leads into its own."""
    several = [await meeting(world, starts=NOW + timedelta(minutes=each)) for each in (0, 5, 10)]
    for made in several:
        page = await landing(world, link(world, made.patients[0]))
        assert page["consultation"] == made.consultation
        assert claims(await join(world, made, made.patients[0]))["room"] == made.room
    assert len({made.room for made in several}) == 3


async def test_row_13_after_the_portals_login_the_appointment_opens_by_it(world: World) -> None:
    made, other = await meeting(world), await meeting(world)
    page = await ask(world, made, "", Role.PATIENT, by="GET")
    assert (page.json["consultation"], page.json["me"]["name"]) == (made.consultation, "Pasient vest")
    given = claims(await join(world, made, role=Role.PATIENT))
    assert (given["room"], given["sub"]) == (made.room, made.patients[0])
    assert claims(await join(world, other, role=Role.PATIENT))["room"] == other.room


async def test_row_13_the_worklist_shows_which_appointments_are_video(world: World) -> None:
    made, other = await meeting(world), await meeting(world)
    await change(world, Appointment, other.appointment, surface=Surface.PHYSICAL)
    items = (await world.ask("GET", "/worklist", Role.SECRETARY)).json["items"]
    assert {item["appointment"]: item["surface"] for item in items} == {
        made.appointment: "video",
        other.appointment: "physical",
    }


async def test_row_17_the_same_address_in_every_channel_and_it_tells_nothing(world: World) -> None:
    made = await meeting(world)
    first, again = (link_address(ORIGIN, link(world, made.patients[0])) for _ in range(2))
    assert first == again
    assert re.fullmatch(re.escape(ORIGIN) + r"/patient/#k=[a-z2-7]{58}", first)
    row = await attendee(world, made.patients[0])
    for secret in (row.patient_id, row.person_id, made.clinic, made.room, made.appointment, "vest"):
        assert secret
        assert secret not in first


async def test_row_17_a_link_may_be_opened_again_and_again(world: World) -> None:
    made = await meeting(world)
    token = link(world, made.patients[0])
    pages = [await landing(world, token) for _ in range(3)]
    assert pages[0] == pages[1] == pages[2]
    grants = [claims(await join(world, made, made.patients[0]))["jti"] for _ in range(3)]
    assert len(set(grants)) == 3


async def test_row_17_a_preview_of_a_link_changes_nothing(world: World) -> None:
    made = await meeting(world)
    before = await everything(world)
    token = link(world, made.patients[0])
    for method in ("GET", "HEAD"):
        assert (await world.ask(method, "/links")).status == 405
    for _ in range(3):
        await landing(world, token)
    assert await everything(world) == before
    assert (await attendee(world, made.patients[0])).entered_at is None


async def everything(world: World) -> Mapping[str, list[dict[str, Any]]]:
    """All rows of the west's clinic."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with world.database.look(world.west.clinic) as session:
        for mapper in Base.registry.mappers:
            if issubclass(mapper.class_, Scoped):
                rows = (await session.scalars(select(mapper.class_))).all()
                found[mapper.class_.__name__] = sorted(
                    ({each.key: getattr(row, each.key) for each in mapper.column_attrs} for row in rows), key=repr
                )
    return found


async def test_row_18_and_56_the_contact_is_there_whatever_else_is_wrong(world: World) -> None:
    made = await meeting(world)
    await with_contact(world)
    token = link(world, made.patients[0])

    async def seen(*codes: str) -> None:
        page = await landing(world, token)
        assert page["contact"] == CONTACT
        assert [each["code"] for each in page["obstacles"]] == list(codes)
        assert all(each["nb"] and each["en"] for each in page["obstacles"])

    await seen()
    world.clock.set(NOW - timedelta(days=3))
    await seen("join_too_early")
    world.clock.set(NOW + timedelta(days=3))
    await seen("join_too_late")
    await change(world, Clinic, world.west.clinic, video_enabled=False)
    await seen("video_off", "join_too_late")
    await change(world, Appointment, made.appointment, state=AppointmentState.CANCELLED)
    await seen("appointment_cancelled", "video_off", "join_too_late")
    await change(world, Attendee, made.patients[0], removed_at=NOW)
    await seen("link_revoked", "join_too_late")


async def test_row_22_until_the_login_the_page_is_the_same_however_the_meeting_stands(world: World) -> None:
    """Contact and time, and the clinic's words on privacy, which are read before anybody says who they are."""
    made = await meeting(world, level="idporten-loa-high")
    texts = {"physical_text": "Du kan få ventetid.", "privacy_text": "Slik behandler vi opplysninger."}
    await with_contact(world)
    await change(world, Clinic, world.west.clinic, **texts)
    token = link(world, made.patients[0])
    before = await landing(world, token)
    (login,) = before["obstacles"]
    assert login["code"] == "login_required"
    assert before == {
        "consultation": made.consultation,
        "contact": CONTACT,
        "starts": "2026-03-02T09:00:00Z",
        "ends": "2026-03-02T09:20:00Z",
        "opens_at": "2026-03-02T08:45:00Z",
        "closes_at": "2026-03-02T11:00:00Z",
        "acr": "idporten-loa-high",
        "obstacles": [login],
        "me": None,
        "delay_minutes": None,
        "delay_text": None,
        "physical_text": None,
        "privacy_text": texts["privacy_text"],
    }
    await change(world, Consultation, made.consultation, notice_minutes=20, notice_text="Akutt")
    await change(world, Appointment, made.appointment, surface=Surface.PHYSICAL)
    await change(world, Clinic, world.west.clinic, video_enabled=False)
    assert await landing(world, token) == before
    await change(world, Appointment, made.appointment, state=AppointmentState.CANCELLED)
    assert await landing(world, token) == before
    stranger = await world.log_in(world.east.people[Role.PATIENT], Role.PATIENT, None, "idporten-loa-high")
    page = await landing(world, token, headers=stranger)
    assert ([each["code"] for each in page["obstacles"]], page["me"]) == (["wrong_person"], None)
    for at, code in ((NOW - timedelta(days=3), "join_too_early"), (NOW + timedelta(days=3), "join_too_late")):
        world.clock.set(at)
        page = await landing(world, token)
        assert [each["code"] for each in page["obstacles"]] == ["login_required", code]


async def test_row_22_nor_whether_guests_and_guardians_are_let_in(world: World) -> None:
    made = await meeting(world, of_type={"guests": False})
    for role, code in ((RoomRole.GUARDIAN, "guardian_ended"), (RoomRole.GUEST, "guests_not_allowed")):
        who = await invite(world, made, role, level="idporten-loa-high")
        page = await landing(world, link(world, who))
        assert [each["code"] for each in page["obstacles"]] == ["login_required"]
        await change(world, Attendee, who, level=None)
        page = await landing(world, link(world, who))
        assert [each["code"] for each in page["obstacles"]] == [code]


async def test_who_comes_with_a_patient_of_protected_address_is_told_a_number_and_no_place(world: World) -> None:
    """The one exception to what a protected address hides: whoever can't get in must be able to call."""
    made = await meeting(world)
    await with_contact(world)
    await change(world, Clinic, world.west.clinic, physical_text="Inngang B", privacy_text="Frivillig.")
    theirs = await invite(world, made, RoomRole.COMPANION, for_patient_id=world.west.patient)
    nobodys = await invite(world, made, RoomRole.GUEST)
    for who in (theirs, nobodys):
        page = await landing(world, link(world, who))
        assert (page["contact"], page["me"]["practitioner"]) == (CONTACT, "Lege vest")
    await change(world, Patient, world.west.patient, protected_address=True)
    for who in (theirs, nobodys):
        page = await landing(world, link(world, who))
        assert page["contact"] == {"clinic": None, "department": None, "phone": CONTACT["phone"], "contact": None}
        assert (page["me"]["practitioner"], page["physical_text"], page["privacy_text"]) == (None, None, "Frivillig.")
        await change(world, Attendee, who, level="idporten-loa-high")
        page = await landing(world, link(world, who))
        assert page["contact"] == {"clinic": None, "department": None, "phone": CONTACT["phone"], "contact": None}
    for page in (
        await landing(world, link(world, made.patients[0])),
        (await ask(world, made, "", Role.PRACTITIONER, by="GET")).json,
    ):
        assert (page["contact"], page["me"]["practitioner"]) == (CONTACT, "Lege vest")
    other = await meeting(world, patients=2)
    companion = await invite(
        world, other, RoomRole.COMPANION, for_patient_id=(await attendee(world, other.patients[1])).patient_id
    )
    assert (await landing(world, link(world, companion)))["contact"] == CONTACT


async def test_row_56_the_contact_is_there_while_waiting(world: World) -> None:
    made = await meeting(world)
    await with_contact(world)
    assert (await join(world, made, made.patients[0])).status == 200
    assert (await landing(world, link(world, made.patients[0])))["contact"] == CONTACT
    assert (await ask(world, made, "", Role.PATIENT, by="GET")).json["contact"] == CONTACT


async def test_row_38_the_others_see_the_label_that_the_patient_picks(world: World) -> None:
    made = await meeting(world)
    patient = made.patients[0]
    assert claims(await join(world, made, patient))["name"] == "Pasient vest", "two people see names"
    given = claims(await join(world, made, patient, label="Solstrålen"))
    assert (given["name"], given["rename"]) == ("Solstrålen", True)
    assert claims(await join(world, made, patient))["name"] == "Solstrålen", "the choice is kept"
    assert (await landing(world, link(world, patient)))["me"]["shown_name"] == "Solstrålen"
    assert (await attendee(world, patient)).name == "Pasient vest", "who it is doesn't change"


async def test_row_38_in_a_group_initials_are_shown(world: World) -> None:
    made = await meeting(world, patients=3)
    companion = await invite(world, made, RoomRole.COMPANION, name="Siri Lund Moe")
    names = [claims(await join(world, made, each))["name"] for each in (*made.patients, companion)]
    assert names == ["P. V.", "O. M.", "O. M.", "S. L. M."]
    assert claims(await join(world, made, role=Role.PRACTITIONER))["name"] == "Lege vest"
    assert claims(await join(world, made, made.patients[1], label="Nummer 2"))["name"] == "Nummer 2"


async def test_row_38_practitioners_go_by_their_own_name(world: World) -> None:
    made = await meeting(world)
    given = claims(await join(world, made, role=Role.PRACTITIONER, label="Noen andre"))
    assert (given["name"], given["rename"]) == ("Lege vest", False)


async def test_row_38_a_refused_entry_keeps_no_label(world: World) -> None:
    made = await meeting(world)
    world.clock.set(NOW - timedelta(days=1))
    assert refused(await join(world, made, made.patients[0], label="For tidlig")) == (403, "join_too_early")
    stranger = await world.log_in(world.east.people[Role.PATIENT], Role.PATIENT, None)
    world.clock.set(NOW)
    wrong = await join(world, made, made.patients[0], headers=stranger, label="En annen")
    assert refused(wrong) == (403, "wrong_person")
    assert (await attendee(world, made.patients[0])).label is None


async def test_row_69_the_name_that_a_group_sees_is_said_before_joining(world: World) -> None:
    made = await meeting(world, patients=2)
    await with_contact(world)
    token = link(world, made.patients[0])
    world.clock.set(NOW - timedelta(days=2))
    page = await landing(world, token)
    assert page["contact"] == CONTACT
    assert (page["me"]["group"], page["me"]["name"], page["me"]["shown_name"]) == (True, "Pasient vest", "P. V.")
    world.clock.set(NOW)
    assert claims(await join(world, made, made.patients[0]))["name"] == page["me"]["shown_name"]
    assert claims(await join(world, made, made.patients[0], label="Per"))["name"] == "Per"
    assert (await landing(world, token))["me"]["shown_name"] == "Per"


async def test_row_x2_who_one_is_about_to_meet_is_told_before_entering(world: World) -> None:
    """The patient reads whom and what for; the practitioner whose appointment it is."""
    made = await meeting(world, of_type={"name": "Samtale"})
    me = (await landing(world, link(world, made.patients[0])))["me"]
    assert (me["practitioner"], me["type"], me["role"]) == ("Lege vest", "Samtale", "patient")
    page = (await ask(world, made, "", Role.PRACTITIONER, by="GET")).json
    assert (page["me"]["role"], page["starts"], page["obstacles"]) == ("practitioner", "2026-03-02T09:00:00Z", [])
    (item,) = (await world.ask("GET", "/worklist", Role.PRACTITIONER)).json["items"]
    assert (item["consultation"], item["starts"], item["type"]) == (made.consultation, page["starts"], "Samtale")
    assert [each["name"] for each in item["attendees"] if each["role"] == "patient"] == ["Pasient vest"]
    for read in (me, page["me"]):
        assert read["confirm"] is True


async def test_row_x2_the_clinic_may_do_without_the_question(world: World) -> None:
    made = await meeting(world)
    await change(world, Clinic, world.west.clinic, confirm_entry=False)
    assert (await landing(world, link(world, made.patients[0])))["me"]["confirm"] is False
