"""Runs modules that are written in Python: what they share is imported once, and each of them is a fork of this process.

Frames on standard input and output: four bytes of length, JSON, and after an answer the output that it tells the lengths of.
It ends with its standard input, and with it whatever it has started.
"""
import atexit
import gc
import importlib
import json
import os
import select
import signal
import struct
import sys
import threading
import time
import zipfile

PACKAGES = ('ansible', 'ansible_collections')
# Seconds that the imports may take which modules share.
IMPORTS = 30


def is_ours(name):
    return name.partition('.')[0] in PACKAGES


class Archive:
    """The files of a module in one zip file, from which Python imports them."""

    def __init__(self, path, files):
        self.path = path
        self.uses = 0
        self.imported = []
        if not os.path.exists(path):
            with zipfile.ZipFile(path + '.new', 'w', zipfile.ZIP_STORED) as archive:
                for name, source in files:
                    with open(source, 'rb') as file:
                        archive.writestr(zipfile.ZipInfo(name), file.read())
            os.rename(path + '.new', path)
        with zipfile.ZipFile(path) as archive:
            self.sums = {entry.filename: entry.CRC for entry in archive.infolist()}

    def differs(self, other):
        return any(other.sums.get(name, crc) != crc for name, crc in self.sums.items())

    def open(self):
        """Makes its files importable, before all others."""
        sys.path.insert(0, self.path)
        for name, module in list(sys.modules.items()):
            if is_ours(name) and getattr(module, '__path__', None) is not None:
                module.__path__ = [self.path + '/' + name.replace('.', '/')] + list(module.__path__)


class Job:
    def __init__(self, request):
        self.id = request['id']
        self.request = request
        self.pid = 0
        self.output = {}
        self.pipes = {}


class Server:
    def __init__(self):
        self.control, self.answers = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.close(null)
        sys.path = [entry for entry in sys.path if entry not in ('', '.')]
        sys.argv = ['']
        self.archives = {}
        self.kept = []
        self.jobs = {}
        self.poll = select.poll()
        self.poll.register(self.control, select.POLLIN)
        self.wake, self.waker = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.waker, False)
        self.poll.register(self.wake, select.POLLIN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waker)
        self.said = b''

    def serve(self):
        """Returns in a fork alone, with what it is to run."""
        while True:
            for fd, _ in self.poll.poll():
                if fd == self.control:
                    forked = self.hear()
                    if forked is not None:
                        return forked
                elif fd == self.wake:
                    os.read(self.wake, 512)
                else:
                    self.collect(fd)
            self.reap()

    def hear(self):
        data = os.read(self.control, 1 << 16)
        if not data:
            for job in list(self.jobs.values()):
                kill(job.pid)
            os._exit(0)
        self.said += data
        while len(self.said) >= 4:
            length, = struct.unpack('<I', self.said[:4])
            if len(self.said) < 4 + length:
                break
            frame, self.said = self.said[4:4 + length], self.said[4 + length:]
            request = json.loads(frame.decode())
            if 'cancel' in request:
                job = self.jobs.get(request['cancel'])
                if job is not None:
                    kill(job.pid)
                continue
            forked = self.start(Job(request))
            if forked is not None:
                return forked
        return None

    def start(self, job):
        try:
            archive = self.archive(job.request)
            self.prepare(archive)
        except Exception as error:
            self.answer(job, error='%s: %s' % (type(error).__name__, error))
            return None
        readers, writers = zip(*(os.pipe() for _ in range(3)))
        job.pid = os.fork()
        if job.pid == 0:
            self.become_module(writers)
            return job, archive, writers[2]
        for writer in writers:
            os.close(writer)
        for index, reader in enumerate(readers):
            os.set_blocking(reader, False)
            job.pipes[reader] = index
            job.output[index] = []
            self.poll.register(reader, select.POLLIN)
        try:
            os.setpgid(job.pid, job.pid)
        except OSError:
            pass
        self.jobs[job.id] = job
        self.send({'id': job.id, 'pid': job.pid})
        return None

    def archive(self, request):
        path = request['archive']
        archive = self.archives.get(path)
        if archive is None:
            archive = self.archives[path] = Archive(path, request['files'])
        return archive

    def prepare(self, archive):
        """Imports what modules share: of the first one what all of them need, of others what they have imported, as soon as they come again."""
        archive.uses += 1
        names = archive.imported
        if not self.kept:
            names = ['ansible.module_utils.basic', 'ansible.module_utils._internal._ansiballz._loader']
        elif archive.uses != 2 or any(kept.differs(archive) for kept in self.kept):
            return
        self.kept.append(archive)
        archive.open()

        def too_long(*_):
            raise TimeoutError()

        before = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(IMPORTS)
        try:
            for name in names:
                try:
                    importlib.import_module(name)
                except TimeoutError:
                    break
                except BaseException:
                    # The module itself meets it again, and says so in its own words.
                    pass
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        gc.collect()
        gc.freeze()

    def become_module(self, writers):
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in (self.control, self.answers, self.wake, self.waker):
            os.close(fd)
        for job in self.jobs.values():
            for fd in job.pipes:
                os.close(fd)
        os.dup2(writers[0], 1)
        os.dup2(writers[1], 2)
        os.close(writers[0])
        os.close(writers[1])

    def collect(self, fd):
        for job in self.jobs.values():
            if fd in job.pipes:
                break
        else:
            self.poll.unregister(fd)
            return
        while True:
            try:
                data = os.read(fd, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                break
            job.output[job.pipes[fd]].append(data)
        self.poll.unregister(fd)
        os.close(fd)
        del job.pipes[fd]

    def reap(self):
        for job in list(self.jobs.values()):
            pid, status = os.waitpid(job.pid, os.WNOHANG)
            if pid == 0:
                continue
            # What it has left running may hold its output open for as long as it likes.
            for fd in list(job.pipes):
                self.collect(fd)
            for fd in list(job.pipes):
                self.poll.unregister(fd)
                os.close(fd)
            del self.jobs[job.id]
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            names = b''.join(job.output[2]).decode()
            self.archives[job.request['archive']].imported = [name for name in names.split('\n') if name]
            self.answer(job, rc=code)

    def answer(self, job, **told):
        bodies = [b''.join(job.output.get(index, ())) for index in range(2)]
        told.update(id=job.id, lengths=[len(body) for body in bodies])
        self.send(told, b''.join(bodies))

    def send(self, told, body=b''):
        text = json.dumps(told).encode()
        rest = struct.pack('<I', len(text)) + text + body
        while rest:
            rest = rest[os.write(self.answers, rest):]


def kill(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass


def limit_files(wanted):
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if wanted != soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except ValueError:
            pass


def run_module(request, archive, kept):
    os.environ.update(request['environment'])
    if 'TZ' in request['environment']:
        time.tzset()
    if request['open_files']:
        limit_files(request['open_files'])
    if any(other.differs(archive) for other in kept):
        for name in [name for name in sys.modules if is_ours(name)]:
            del sys.modules[name]
        others = [other.path for other in kept]
        sys.path = [entry for entry in sys.path if entry not in others]
    if archive.path not in sys.path or sys.path[0] != archive.path:
        archive.open()
    params = request['params'].encode()
    try:
        from ansible.module_utils._internal._ansiballz import _loader
    except ImportError:
        _loader = None
    if _loader is not None:
        _loader.run_module(json_params=params, profile=request['profile'], module_fqn=request['name'], modlib_path=archive.path, extensions={})
        return
    import runpy
    from ansible.module_utils import basic
    basic._ANSIBLE_ARGS = params
    if request['profile']:
        basic._ANSIBLE_PROFILE = request['profile']
    runpy.run_module(request['name'], init_globals={'_module_fqn': request['name'], '_modlib_path': archive.path}, run_name='__main__', alter_sys=True)


def play(job, archive, told, kept):
    """What the fork does, to its end."""
    known = set(sys.modules)
    code = 0
    try:
        run_module(job.request, archive, kept)
    except SystemExit as leaving:
        code = leaving.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        import traceback
        traceback.print_exc()
        code = 1
    library = getattr(sys, 'stdlib_module_names', ())
    names = [name for name in list(sys.modules) if name not in known and name != job.request['name'] and (is_ours(name) or name.partition('.')[0] in library)]
    try:
        os.set_blocking(told, False)
        os.write(told, '\n'.join(names).encode())
    except OSError:
        pass
    os.close(told)
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 120
        os._exit(code or 0)


if __name__ == '__main__':
    server = Server()
    play(*server.serve(), kept=server.kept)
