"""The invented facilities of the demo province: houses, rooms, staff, timetables, services and prices."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Final, cast

import msgspec

from yba.care import catalogues, identifiers
from yba.care.catalogues.tables import read_table
from yba.care.demo.building import HL7, concept, full_name, identifier, of_facility, phone, ref
from yba.care.free_times import EMERGENCY_SERVICE
from yba.care.remote import mode
from yba.fhir.r4.charge_item_definition import (
    ChargeItemDefinition,
    ChargeItemDefinitionPropertyGroup,
    ChargeItemDefinitionPropertyGroupPriceComponent,
)
from yba.fhir.r4.codes import AdministrativeGender, DaysOfWeek
from yba.fhir.r4.datatypes import Address, CodeableConcept, Extension, Identifier, Money, Resource
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.location import Location, LocationPosition
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.practitioner import Practitioner, PractitionerQualification
from yba.fhir.r4.practitioner_role import PractitionerRole, PractitionerRoleAvailableTime
from yba.fhir.r4.schedule import Schedule

FACILITY_TYPE_CS: Final = "https://yba.vn/fhir/cs/facility-type"
#: Programmes a service is given under: `bhyt` where the facility has a contract with health insurance.
PROGRAM_CS: Final = "https://yba.vn/fhir/cs/program"
ROLE_CS: Final = "https://yba.vn/fhir/cs/role"
_FOLDER: Final = "yba.care.demo"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Facility(msgspec.Struct, frozen=True):
    """An invented facility; ``price_percent`` of the catalogue's prices; departments as ``slug=name``."""

    id: str
    short: str
    code: str
    name: str
    kind: str
    kind_name: str
    commune: str
    street: str
    latitude: Decimal
    longitude: Decimal
    phone: str
    price_percent: int
    departments: tuple[str, ...]


class Doctor(msgspec.Struct, frozen=True):
    """An invented practitioner. ``times``: days, from and to of each session, e.g. ``mon-sat 07:30 11:30``.

    Dr Khôi also sees people on Sundays, so that the day can be played on any day.
    """

    slug: str
    name: str
    gender: str
    title: str
    facility: str
    specialty: str
    room: str
    times: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"bs-{self.slug}"

    @property
    def role(self) -> str:
        return f"vt-{self.slug}"

    @property
    def schedule(self) -> str:
        return f"lich-{self.slug}"

    @property
    def display(self) -> str:
        """ "BS. CKII Trần Minh Khôi"."""
        return f"{self.title} {self.name}"


class Nurse(msgspec.Struct, frozen=True):
    """An invented nurse. No post of booking: nobody books a nurse by name, so there is no PractitionerRole."""

    id: str
    name: str
    facility: str


NURSES: Final = (Nurse("dd-nguyen-thi-hoa", "Nguyễn Thị Hoa", "bvdk-huong-giang"),)


@cache
def facilities() -> tuple[Facility, ...]:
    return read_table("facilities.csv", Facility, folder=_FOLDER)


@cache
def doctors() -> tuple[Doctor, ...]:
    return read_table("doctors.csv", Doctor, folder=_FOLDER)


def facility(id: str) -> Facility:
    """The facility of this id; KeyError for any other."""
    return {item.id: item for item in facilities()}[id]


def doctors_of(specialty: str) -> list[Doctor]:
    return [doctor for doctor in doctors() if doctor.specialty == specialty]


def facility_resources() -> Iterator[Resource]:
    """Everything of the facilities, parents before children."""
    for house in facilities():
        yield from _house(house)
        yield from _rooms(house)
        yield from _services(house)
    for number, doctor in enumerate(doctors(), 1):
        yield from _doctor(doctor, number)
    for number, nurse in enumerate(NURSES, 1):
        yield _nurse(nurse, number)


def _house(house: Facility) -> Iterator[Resource]:
    tag = of_facility(house.id)
    yield Organization(
        id=house.id,
        meta=tag,
        identifier=[identifier(identifiers.FACILITY, house.code)],
        active=True,
        type=[concept(FACILITY_TYPE_CS, house.kind, text=house.kind_name)],
        name=house.name,
        telecom=[phone(house.phone, "work")],
        address=[_address(house)],
    )
    for department in house.departments:
        slug, name = department.split("=")
        yield Organization(
            id=f"khoa-{house.short}-{slug}",
            meta=tag,
            active=True,
            type=[concept(HL7 + "organization-type", "dept", text="Khoa phòng")],
            name=name,
            partOf=ref("Organization", house.id, house.name),
        )


def _address(house: Facility) -> Address:
    return Address(
        text=f"{house.street}, {house.commune}, Thành phố Huế",
        line=[house.street],
        city=house.commune,
        state="Thành phố Huế",
        country="VN",
    )


def room_id(house: Facility, room: str) -> str:
    """ "p-204" in the provincial hospital, "p-ac-101" elsewhere."""
    return f"p-{room}" if house.short == "hg" else f"p-{house.short}-{room.lower()}"


def _rooms(house: Facility) -> Iterator[Location]:
    seen: dict[str, str] = {}
    for doctor in doctors():
        if doctor.facility == house.id:
            seen.setdefault(doctor.room, f"Phòng khám {specialty_name(doctor.specialty)}")
    site = f"co-so-{house.short}"
    yield Location(
        id=site,
        meta=of_facility(house.id),
        status="active",
        name=house.name,
        mode="instance",
        physicalType=concept(HL7 + "location-physical-type", "si", text="Cơ sở"),
        position=LocationPosition(latitude=house.latitude, longitude=house.longitude),
        managingOrganization=ref("Organization", house.id, house.name),
    )
    rooms = [(room_id(house, room), room, alias, "ro", "Phòng") for room, alias in sorted(seen.items())]
    rooms += [
        (f"quay-{house.short}-tiep-don", "Tiếp đón", "Quầy tiếp đón", "area", "Quầy"),
        (f"quay-{house.short}-thu-ngan", "Thu ngân", "Quầy thu ngân", "area", "Quầy"),
        (f"quay-{house.short}-nha-thuoc", "Nhà thuốc", "Quầy phát thuốc", "area", "Quầy"),
    ]
    for id, name, alias, kind, kind_name in rooms:
        yield Location(
            id=id,
            meta=of_facility(house.id),
            status="active",
            name=name,
            alias=[alias],
            mode="instance",
            physicalType=concept(HL7 + "location-physical-type", kind, text=kind_name),
            managingOrganization=ref("Organization", house.id, house.name),
            partOf=ref("Location", site, house.name),
        )


def specialty_name(code: str) -> str:
    known = catalogues.specialty(code)
    return known.name_vi if known else code


def specialty_concept(code: str) -> CodeableConcept:
    return concept(identifiers.SPECIALTY_CS, code, specialty_name(code), specialty_name(code))


def exam_service(specialty: str) -> catalogues.Service:
    """The consultation of a specialty."""
    return next(s for s in catalogues.services() if s.group == "exam" and s.specialty == specialty)


#: Languages beside Vietnamese.
_SPOKEN: Final = {"tran-minh-khoi": ("en",), "le-thi-bich-ngoc": ("fr",), "pham-thi-dieu-hien": ("en",)}
#: Specialties whose consultations are given by video too: most of what they follow is on the list of TT 30/2023.
BY_VIDEO: Final = frozenset({"tim-mach", "noi-tiet", "noi-tong-quat", "y-hoc-gia-dinh", "da-lieu"})


def _services(house: Facility) -> Iterator[Resource]:
    offered = sorted({doctor.specialty for doctor in doctors() if doctor.facility == house.id})
    for code in offered:
        service = exam_service(code)
        yield HealthcareService(
            id=f"dv-{house.short}-{code}",
            meta=of_facility(house.id),
            identifier=[identifier(identifiers.SERVICE, service.code)],
            active=True,
            providedBy=ref("Organization", house.id, house.name),
            category=[concept(identifiers.SERVICE_CS, "exam", text="Khám bệnh")],
            type=[concept(identifiers.SERVICE_CS, service.code, service.name_vi, service.name_vi)],
            specialty=[specialty_concept(code)],
            name=service.name_vi,
            appointmentRequired=False,
            program=[concept(PROGRAM_CS, "bhyt", text="Bảo hiểm y tế")] if house.kind == "hospital" else [],
            extension=[Extension(url=mode.SERVICE_MODE, valueCode="either")] if code in BY_VIDEO else [],
        )
    if house.kind == "hospital":
        yield HealthcareService(
            id=f"dv-{house.short}-cap-cuu",
            meta=of_facility(house.id),
            active=True,
            providedBy=ref("Organization", house.id, house.name),
            category=[concept(*EMERGENCY_SERVICE, "Emergency Department")],
            name="Cấp cứu",
            appointmentRequired=False,
        )
    priced = {exam_service(code).code for code in offered}
    for service in catalogues.services():
        if service.code in priced or (service.group != "exam" and house.kind == "hospital"):
            yield _price(house, service)


def _price(house: Facility, service: catalogues.Service) -> ChargeItemDefinition:
    # Prices are whole thousands of dong.
    amount = Decimal(service.price * house.price_percent // 100_000 * 1000)
    component = ChargeItemDefinitionPropertyGroupPriceComponent(
        type="base", amount=Money(value=amount, currency="VND")
    )
    id = f"gia-{house.short}-{service.code.lower()}"
    return ChargeItemDefinition(
        id=id,
        meta=of_facility(house.id),
        url=f"https://yba.vn/fhir/ChargeItemDefinition/{id}",
        identifier=[identifier(identifiers.SERVICE, service.code)],
        title=service.name_vi,
        status="active",
        publisher=house.name,
        code=concept(identifiers.SERVICE_CS, service.code, service.name_vi, service.name_vi),
        propertyGroup=[ChargeItemDefinitionPropertyGroup(priceComponent=[component])],
    )


def _doctor(doctor: Doctor, number: int) -> Iterator[Resource]:
    house = facility(doctor.facility)
    tag = of_facility(house.id)
    service = ref(
        "HealthcareService",
        f"dv-{house.short}-{doctor.specialty}",
        exam_service(doctor.specialty).name_vi,
    )
    room = ref("Location", room_id(house, doctor.room), doctor.room)
    who = ref("Practitioner", doctor.id, doctor.display)
    skill = CodeableConcept(text=f"{doctor.title} {specialty_name(doctor.specialty)}")
    yield Practitioner(
        id=doctor.id,
        meta=tag,
        identifier=[_licence(900000 + number * 17)],
        active=True,
        name=[full_name(doctor.name, doctor.title)],
        gender=cast(AdministrativeGender, doctor.gender),
        communication=[concept("urn:ietf:bcp:47", one) for one in ("vi", *_SPOKEN.get(doctor.slug, ()))],
        qualification=[PractitionerQualification(code=skill)],
    )
    yield PractitionerRole(
        id=doctor.role,
        meta=tag,
        active=True,
        practitioner=who,
        organization=ref("Organization", house.id, house.name),
        code=[concept(ROLE_CS, "doctor", text="Bác sĩ")],
        specialty=[specialty_concept(doctor.specialty)],
        location=[room],
        healthcareService=[service],
        availableTime=[_available(session) for session in doctor.times],
    )
    yield Schedule(
        id=doctor.schedule,
        meta=tag,
        active=True,
        specialty=[specialty_concept(doctor.specialty)],
        actor=[ref("PractitionerRole", doctor.role), who, room, service],
        comment=f"Lịch khám {doctor.display}, phòng {doctor.room}",
    )


def _nurse(nurse: Nurse, number: int) -> Practitioner:
    return Practitioner(
        id=nurse.id,
        meta=of_facility(nurse.facility),
        identifier=[_licence(950000 + number * 17)],
        active=True,
        name=[full_name(nurse.name, "CNĐD")],
        gender="female",
        communication=[concept("urn:ietf:bcp:47", "vi")],
        qualification=[PractitionerQualification(code=CodeableConcept(text="Cử nhân điều dưỡng"))],
    )


def _licence(number: int) -> Identifier:
    return identifier(identifiers.PRACTITIONER_LICENCE, f"{number:06}/HUE-CCHN")


def _available(session: str) -> PractitionerRoleAvailableTime:
    days, start, end = session.split()
    names = days.split(",")
    if "-" in days:
        first, last = days.split("-")
        names = list(_DAYS[_DAYS.index(first) : _DAYS.index(last) + 1])
    return PractitionerRoleAvailableTime(
        daysOfWeek=[cast(DaysOfWeek, name) for name in names],
        availableStartTime=f"{start}:00",
        availableEndTime=f"{end}:00",
    )
