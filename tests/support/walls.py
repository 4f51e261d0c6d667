"""What a process sees of the walls around it; run in a box: kernel, scheduler and workers."""

PROBE = r"""
def probe():
    import ctypes, os, platform, resource, socket, sys, tempfile, threading
    import dask, dask.system, distributed.system

    def read(name):
        try:
            with open(name) as file:
                return file.read()
        except OSError as error:
            return f"{type(error).__name__} {error.errno}"

    if socket.gethostname() != "box":
        raise RuntimeError("outside of a box, what is tried here could succeed")
    status = dict(line.split(":", 1) for line in read("/proc/self/status").splitlines())
    about = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
             "NoNewPrivs", "Seccomp", "Seccomp_filters", "Umask", "Cpus_allowed", "Mems_allowed",
             "SigBlk", "SigIgn", "CoreDumping", "THP_enabled")
    libc = ctypes.CDLL(None, use_errno=True)
    def call(name, *arguments):
        ctypes.set_errno(0)
        return [getattr(libc, name)(*arguments), ctypes.get_errno()]
    files = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
             if os.path.lexists(f"/proc/self/fd/{n}")]
    processes = [n for n in os.listdir("/proc") if n.isdigit()]
    try:
        os.open("/dev/tty", os.O_RDWR)
        terminal = "a terminal"
    except OSError as error:
        terminal = error.errno
    def depth(n=0):
        try:
            return depth(n + 1)
        except RecursionError:
            return n
    def can(change):
        try:
            change()
            return True
        except OSError:
            return False
    exe = "/proc/self/exe"
    opened = os.open(exe, os.O_RDONLY)
    again = f"/proc/self/fd/{opened}"
    # As far as opening: nothing is written, should it be possible.
    interpreter = [
        can(lambda: os.open(exe, os.O_WRONLY)),
        can(lambda: os.open(again, os.O_RDWR)),
        can(lambda: os.open("..", os.O_RDONLY, dir_fd=opened)),
        can(lambda: os.chmod(exe, os.stat(exe).st_mode)),
        can(lambda: os.utime(exe)),
        can(lambda: os.setxattr(exe, "user.note", b"x")),
        can(lambda: os.link(again, "/tmp/linked", follow_symlinks=True)),
    ]
    os.close(opened)
    spaces = os.listdir("/proc/self/ns")
    return {
        "status": {name: status[name].strip() for name in about if name in status},
        "depth": len(status["NSpid"].split()),
        "threads": threading.active_count(),
        "limits": read("/proc/self/limits"),
        "namespaces": {name: os.stat("/proc/self/ns/" + name).st_ino for name in spaces},
        "environment": dict(os.environ),
        "files": sorted(f for f in files if f.startswith("/") and "/proc/" not in f),
        "kinds": sorted({f.split(":")[0] for f in files if not f.startswith("/")}),
        "cwd": os.getcwd(),
        "root": sorted(os.listdir("/")),
        "home": sorted(os.listdir(os.environ["HOME"])),
        "ids": [os.getresuid(), os.getresgid(), os.getgroups()],
        "mounts": [line.split(" ", 2)[2].split(" ", 1)[1].split(" master:")[0]
                   for line in read("/proc/self/mountinfo").splitlines()],
        "first": read("/proc/1/comm"),
        "programs": sorted(read(f"/proc/{n}/comm") for n in processes),
        "parents": sorted({read(f"/proc/{n}/stat").rsplit(")")[1].split()[1] == "0"
                           for n in processes}),
        "cgroup": len(read("/proc/self/cgroup").splitlines()),
        "label": read("/proc/self/attr/current"),
        "oom": read("/proc/self/oom_score_adj"),
        "securebits": libc.prctl(27, 0, 0, 0, 0),
        "dumpable": libc.prctl(3, 0, 0, 0, 0),
        "dies": libc.prctl(2, ctypes.byref(ctypes.c_int()), 0, 0, 0),
        "priority": [os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)],
        "affinity": sorted(os.sched_getaffinity(0)),
        "terminal": terminal,
        "family": [os.getpgrp() > 0, os.getsid(0) > 0, os.getppid() > 0],
        "recursion": depth(),
        "owner": os.stat("/proc/self/mem").st_uid,
        "refused": {
            "mount": call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
            "unshare": call("unshare", 0x10000000),
            "setns": call("setns", 0, 0),
            "ptrace": call("ptrace", 16, 1, 0, 0),
            "keyctl": call("syscall", 250, 0, -3, 0),
            "memfd": call("memfd_create", b"x", 0),
            "chroot": call("chroot", b"/tmp"),
            "sethostname": call("sethostname", b"x", 1),
            "raw": call("socket", 17, 3, 0),
        },
        "interpreter": interpreter,
        "shared": sum(line.startswith("VmFlags") and " sh " in line
                      for line in read("/proc/self/smaps").splitlines()),
        "hostname": [socket.gethostname(), platform.node(), platform.uname().node],
        "addresses": sorted(name for _, name in socket.if_nameindex()),
        "temporary": tempfile.gettempdir(),
        "path": sys.path,
        "arguments": [sys.executable, sys.prefix, sys.base_prefix, list(sys.flags), sys.warnoptions,
                      sys.orig_argv[:3], sys.dont_write_bytecode],
        "machine": [dask.system.CPU_COUNT, distributed.system.MEMORY_LIMIT, os.cpu_count(),
                    distributed.worker.CPU_COUNT, distributed.comm.tcp.MEMORY_LIMIT],
        "configuration": [dask.config.config, dask.config.paths, dask.config.PATH],
        "kit": sorted({m.__file__.rsplit("/", 1)[0] for n, m in sys.modules.items()
                       if n.partition(".")[0] in ("autograder", "cluster")}),
        "preloaded": sorted(sys.modules),
        "writable": [p for p in ("/", "/usr", "/etc", sys.prefix, "/proc/sys/kernel", "/dev")
                     if os.access(p, os.W_OK)],
    }
"""

ALL = """
import json
from cluster import connect
_c = connect()
print(json.dumps({"kernel": probe(), "scheduler": _c.run_on_scheduler(probe),
                  "workers": sorted(_c.run(probe).items())[0][1]}, default=str))
"""
