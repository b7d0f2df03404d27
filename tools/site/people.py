"""The invented patients of the corpus: who they are, how their names are written and what each hospital calls them."""
from dataclasses import dataclass
from typing import Optional

GENERAL = "gh-rad"
CITY = "ch-rad"
ISSUERS = {GENERAL: "GH", CITY: "CH"}
# What a record number looks like at each hospital; the rules file of the sandbox says the same.
MRN_PATTERNS = {GENERAL: r"^\d{7}$", CITY: r"^C[0-9A-Z]{6}$"}


@dataclass(frozen=True)
class Person:
    """One patient; a hospital that does not know the patient has no record number."""
    name: str
    charset: Optional[object]  # Specific Character Set (0008,0005); None = the default repertoire
    sex: str
    birth_date: str
    gh_mrn: Optional[str]
    ch_mrn: Optional[str]
    says_issuer: bool = True  # whether the images carry Issuer of Patient ID (0010,0021)

    def mrns(self):
        """Record number by PACS, only where there is one."""
        both = {GENERAL: self.gh_mrn, CITY: self.ch_mrn}
        return {pacs: mrn for pacs, mrn in both.items() if mrn}


# The first eight are the whole of the small corpus. Pairs that look alike stand side by side on purpose: leading zeros
# that a spreadsheet strips, O against 0, numbers that differ in the last digit, the same name twice.
PEOPLE = (
    Person("Doe^Jane", None, "F", "19510314", "1000001", "C104420"),
    Person("Müller^Jörg", "ISO_IR 100", "M", "19440902", "0000123", None),
    Person("Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"], "M", "19380521", "7700421", "C7700AB"),
    Person("Wang^XiaoDong=王^小东", "GB18030", "M", "19600111", None, "C0O1442"),
    Person("O'Neil^Sean^P.", None, "M", "19471230", "7700422", None, says_issuer=False),
    Person("Διονυσιος", "ISO_IR 126", "M", "19550606", None, "C001442"),
    Person("Nguyễn^Thị Hương", "ISO_IR 192", "F", "19490418", "0012300", "CQ55012"),
    Person("Test^Awkward^Star", None, "O", "19700101", "MRN*STAR", "A-77 21"),
    Person("SMITH^JOHN", None, "M", "19420202", "1000010", "C200001"),
    Person("Smith^John", None, "M", "19420202", "1000011", None),
    Person("smith^john^A^Dr^III", None, "M", "", None, "C200002"),
    Person("Buc^Jérôme", "ISO_IR 100", "M", "19390815", "2004512", None),
    Person("Hong^Gildong=洪^吉洞=홍^길동", ["", "ISO 2022 IR 149"], "M", "19530707", "2004513", "C315149"),
    Person("Люкceмбypг", "ISO_IR 144", "F", "19360210", "3000500", None),
    Person("قباني^لنزار", "ISO_IR 127", "M", "19621123", None, "C127001"),
    Person("שרון^דבורה", "ISO_IR 138", "F", "19580926", "3005000", "C138001", says_issuer=False),
    Person("Çavuşoğlu^Şule", "ISO_IR 148", "F", "19650330", None, "C148001"),
    Person("Very-Long-Family-Name-Of-A-Patient^With Many^Given Names", None, "F", "19310512", "4111111", "CLONG01"),
    Person("ÅNGSTRÖM^Ängla", "ISO_IR 192", "F", "19460814", "4111112", None),
    Person("Ng^A", None, "F", "19721017", "5000001", "CNG0001"),
    Person("Garcia^Maria", None, "F", "19480229", "5000010", "C480229"),
    Person("Kowalski^Jan", None, "M", "19571105", None, "C571105"),
    Person("Andersen^Liv", None, "F", "19400617", "6000123", None),
    Person("Test^Awkward^Question", None, "O", "19700102", "90210?", "c104420"),
)
