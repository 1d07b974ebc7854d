"""The configurations of the test machine: kernel, command line, settings, and the suites that run in each.

Its own file because it is the table that a reader compares with the hosts that he has.
Changes when: there is another kind of host to try.
"""
import dataclasses

FULL = "landlock,lockdown,yama,apparmor,bpf"  # the security modules, in the order of the kernel's command line
SUITES = ("unit", "jail", "e2e", "abuse", "checks")
RUNNING = ("jail", "e2e", "abuse")  # unit tests ask nothing of the host: once for each kernel is enough
WALLS = ("jail", "abuse")  # where a host lacks one thing that another configuration lacks as well
# Of the end-to-end tests, those that ask something of the kernel; the others read options and print help, and that once will do.
KERNELS_PART = "test_attacks or test_root or test_layers or test_status or test_leaks or test_denials"


@dataclasses.dataclass(frozen=True)
class Configuration:
    name: str
    means: str  # for somebody who has such a host
    mode: str = "root"  # root, user, unshared: as tests/support/suites.py has them
    kernel: str = "stock"  # as image.KERNELS has them
    lsm: str = FULL
    more: str = ""  # of the kernel's command line
    group: str = "delegated"  # where it is started: a group of places.py, or none
    apparmor: bool = True  # load packaging/apparmor/belljar-guest
    sysctl: dict = dataclasses.field(default_factory=dict)
    layers: dict = dataclasses.field(default_factory=dict)  # in every profile
    suites: tuple = RUNNING
    checks: str = ""  # the program of suite "checks" and its words
    lacks: tuple = ()  # what a test may skip for; any other skip is a failure
    e2e: str = KERNELS_PART  # which end-to-end tests, as for pytest -k; "" for all
    short: dict = dataclasses.field(default_factory=dict)  # the short form: {suite: words to choose by}

    @property
    def may_lack(self):
        groups = self.more.partition("belljar.cgroup=")[2] or "v2"
        return (*EVERYWHERE, *LACKING[self.kernel], *LACKING[groups], *LACKING[self.mode], *self.lacks)

    @property
    def command_line(self):
        return " ".join(["lsm=" + self.lsm, *([self.more] if self.more else [])])


EVERYTHING = {name: "require" for name in ("user", "time", "cgroup_namespace", "landlock", "apparmor", "cgroup", "denial_report")}
CLONE, MAXIMUM = "kernel.unprivileged_userns_clone", "user.max_user_namespaces"
# What the tests of a machine may skip for, by what it is.
EVERYWHERE = ("host lacks nothing: it has every layer", "host lacks Apache", "host lacks a build with nettle", "host lacks a build with belljar-front",
              "host lacks a second table of calls", "host lacks the abuse corpus",
              "host lacks a v1 and a v2 hierarchy")
NOT_ROOT = ("host lacks root for this test", "host lacks ids to give away", "host lacks an ordinary user without groups", "host lacks a file that this user may not read")
LACKING = {"stock": ("host lacks statmount(2)",), "newer": (), "v2": ("host lacks control groups v1",), "v1": ("host lacks a v2 hierarchy",),
           "hybrid": (), "root": (), "user": NOT_ROOT, "unshared": NOT_ROOT}

NO_POOL = "host lacks what a pool needs: required, but %s"
NO_USERS = "host lacks unprivileged user namespaces"

CONFIGURATIONS = [
    Configuration("root", "A Debian server, started by root: every layer is on.", suites=("unit", *RUNNING),
                  short={"jail": "test_ops", "e2e": "test_attacks or test_layers or test_root", "abuse": "os/"}),
    Configuration("user", "The same by an ordinary user whose systemd delegates control groups.", mode="user"),
    Configuration("unshared", "The same by the root of a user namespace (`unshare -Ur`).", mode="unshared"),
    Configuration("required", "Every layer that can be missing is required by the profiles, AppArmor too.", layers=EVERYTHING,
                  suites=("jail", "abuse"),  # test_ops wants a network of its own, which AppArmor's profile does not allow
                  lacks=("host lacks what a jail needs: required, but unavailable: its profile allows no network",
                         NO_POOL % "the jails of a pool have none yet")),
    Configuration("places", "Services, scopes and slices as systemd lays them out, with and without delegation; AppArmor's profile "
                  "absent and loaded; swap.", apparmor=False, group="none", suites=("checks",), checks="checks.py full",
                  short={"checks": ""}),
    Configuration("user-no-groups", "An ordinary user without delegation (a login over ssh): rlimits stand in for control groups.",
                  mode="user", group="undelegated", lacks=("host lacks a writable", "host lacks control groups",
                                                           "host lacks a control group")),
    Configuration("no-landlock", "A kernel whose `lsm=` leaves Landlock out.", lsm="lockdown,yama,apparmor,bpf",
                  lacks=("host lacks Landlock",), suites=WALLS),
    Configuration("no-apparmor", "A kernel started with `apparmor=0`, or a distribution without it.", lsm="landlock,lockdown,yama,bpf",
                  more="apparmor=0", apparmor=False, suites=WALLS),
    Configuration("bare", "Neither Landlock nor AppArmor nor BPF's hooks: namespaces and seccomp are the walls.", lsm="lockdown,yama",
                  more="apparmor=0", apparmor=False, suites=(*RUNNING, "checks"), checks="checks.py bare", lacks=("host lacks Landlock",),
                  short={"checks": "", "jail": "test_ops", "e2e": "test_attacks or test_layers"}),
    Configuration("bare-user", "The same by an ordinary user.", mode="user", lsm="lockdown,yama", more="apparmor=0", apparmor=False,
                  lacks=("host lacks Landlock",), suites=WALLS),
    Configuration("v1", "Control groups v1, each controller on its own, as on hosts before 2020.", more="belljar.cgroup=v1"),
    Configuration("hybrid", "Control groups v1 for the controllers, v2 beside it, as Debian 10 had it.", more="belljar.cgroup=hybrid"),
    Configuration("userns-off-root", "`%s=0`: root is not affected." % CLONE, sysctl={CLONE: 0}, lacks=(NO_USERS,), suites=("jail",)),
    Configuration("userns-off-user", "`%s=0`, ordinary user: nothing runs, exit 125, the message and `belljar doctor` name the sysctl."
                  % CLONE, mode="user", sysctl={CLONE: 0}, suites=("checks",), checks="refusal.py " + CLONE, short={"checks": ""}),
    Configuration("userns-none-root", "`%s=0`, root, profiles with `\"user\": \"prefer\"`: the declared fallback, ids of one run on the "
                  "host itself." % MAXIMUM, sysctl={MAXIMUM: 0}, layers={"user": "prefer"}, suites=(*RUNNING, "checks"),
                  checks="fallback.py", lacks=("host lacks user namespaces", NO_USERS, NO_POOL % "unavailable: no user"),
                  short={"checks": "", "jail": "test_ops"}),
    Configuration("userns-none-user", "`%s=0`, ordinary user: as with the other sysctl." % MAXIMUM, mode="user", sysctl={MAXIMUM: 0},
                  suites=("checks",), checks="refusal.py " + MAXIMUM),
    Configuration("newer", "The newest kernel of the same Debian release, as root.", kernel="newer", suites=("unit", *RUNNING)),
]
BY_NAME = {configuration.name: configuration for configuration in CONFIGURATIONS}
