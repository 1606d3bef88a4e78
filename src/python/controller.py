"""Python's part of a run: what a project has as plugins and modules in Python, by means of the ansible-core that its user has installed.

Frames on standard input and output: four bytes of length, and JSON. A request has an `id` and what to `do`; before its answer there may be questions
with the same id, which are answered in the same way. What JSON does not know stands in an object with one key, `\\0`: `[type, value]`.
"""
import base64
import collections.abc
import datetime
import hashlib
import io
import json
import os
import queue
import struct
import sys
import threading
import traceback
import zipfile

MARK = '\0'
LARGEST = 1 << 63


class Refused(Exception):
    """What is told as it is, without the type of an exception."""


class Missing(Exception):
    """Nothing has that name."""


class Undefined:
    """A value that is missing, on its way through."""

    def __init__(self, message):
        self.message = message

    def _refuse(self, *_):
        raise Refused(self.message)

    __bool__ = __str__ = __iter__ = __len__ = __eq__ = __getitem__ = __contains__ = __call__ = __add__ = __int__ = _refuse
    __hash__ = None


def decode(value):
    kind, content = value[MARK]
    if kind == 'bytes':
        return base64.b64decode(content)
    if kind == 'tuple':
        return tuple(content)
    if kind == 'set':
        return set(content)
    if kind == 'dict':
        return {key: item for key, item in content}
    if kind == 'int':
        return int(content)
    if kind == 'float':
        return float(content)
    if kind == 'date':
        return datetime.date.fromisoformat(content)
    if kind == 'datetime':
        return datetime.datetime.fromisoformat(content)
    if kind == 'undefined':
        return Undefined(content)
    raise ValueError('a value of the unknown type %s' % kind)


def decoded(value):
    return decode(value) if MARK in value else value


def encode(value):
    """A value as JSON can have it."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is float:
        return value if value - value == 0 else {MARK: ['float', repr(value)]}
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value) if -LARGEST <= value < LARGEST else {MARK: ['int', str(int(value))]}
    if isinstance(value, float):
        return encode(float(value))
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray)):
        return {MARK: ['bytes', base64.b64encode(value).decode()]}
    if isinstance(value, collections.abc.Mapping):
        items = [(key, encode(item)) for key, item in value.items()]
        if all(isinstance(key, str) for key, _ in items) and (len(items) != 1 or items[0][0] != MARK):
            return {str.__str__(key): item for key, item in items}
        return {MARK: ['dict', [[encode(key), item] for key, item in items]]}
    if isinstance(value, tuple):
        return {MARK: ['tuple', [encode(item) for item in value]]}
    if isinstance(value, (set, frozenset)):
        return {MARK: ['set', [encode(item) for item in value]]}
    if isinstance(value, datetime.datetime):
        return {MARK: ['datetime', value.isoformat()]}
    if isinstance(value, datetime.date):
        return {MARK: ['date', value.isoformat()]}
    if isinstance(value, Undefined):
        return {MARK: ['undefined', value.message]}
    message = getattr(value, '_undefined_message', None)
    if message is not None:
        return {MARK: ['undefined', str(message)]}
    if isinstance(value, collections.abc.Iterable):
        return [encode(item) for item in value]
    raise Refused("Type %r is unsupported for variable storage." % kind.__name__)


class Wire:
    def __init__(self):
        self.source, self.target = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        self.lock = threading.Lock()
        self.answers = {}

    def read(self):
        head = self.exactly(4)
        return None if head is None else self.exactly(struct.unpack('<I', head)[0])

    def exactly(self, length):
        pieces = []
        while length:
            piece = os.read(self.source, min(length, 1 << 20))
            if not piece:
                return None
            pieces.append(piece)
            length -= len(piece)
        return b''.join(pieces)

    def send(self, message):
        text = json.dumps(message, separators=(',', ':')).encode()
        data = memoryview(struct.pack('<I', len(text)) + text)
        with self.lock:
            while data:
                data = data[os.write(self.target, data):]

    def ask(self, request, question, **details):
        """Puts a question about a request; its answer."""
        answers = self.answers[request]
        self.send(dict(details, id=request, ask=question))
        answer = answers.get()
        if 'error' in answer:
            raise Refused(answer['error'])
        return answer['value']


class Variables(dict):
    """The variables of a template: each is asked for when it is looked at."""

    def __init__(self, wire, request):
        super().__init__()
        self.wire, self.request = wire, request
        self.all = None
        self.unknown = set()

    def __missing__(self, name):
        if name not in self.unknown:
            found = self.wire.ask(self.request, 'variable', name=name)
            if found:
                value = found[0]
                if isinstance(value, Undefined):
                    raise Refused(value.message)
                super().__setitem__(name, value)
                return value
            self.unknown.add(name)
        raise KeyError(name)

    def names(self):
        if self.all is None:
            self.all = self.wire.ask(self.request, 'names')
        return self.all + [name for name in super().keys() if name not in self.all]

    def get(self, name, default=None):
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name):
        return dict.__contains__(self, name) or name in self.names()

    def __iter__(self):
        return iter(self.names())

    def __len__(self):
        return len(self.names())

    def keys(self):
        return collections.abc.KeysView(self)

    def values(self):
        return collections.abc.ValuesView(self)

    def items(self):
        return collections.abc.ItemsView(self)

    def copy(self):
        other = Variables(self.wire, self.request)
        dict.update(other, ((name, dict.__getitem__(self, name)) for name in dict.__iter__(self)))
        return other


class Controller:
    def __init__(self, wire, start):
        self.wire = wire
        self.known_roots = set()
        self.sent = set()
        self.plugins = {}
        self.lock = threading.RLock()

        from ansible import release
        self.version = release.__version__
        from ansible.plugins import loader
        self.loaders = loader
        from ansible.parsing.dataloader import DataLoader
        from ansible.template import Templar
        self.Templar = Templar
        self.data_loader = DataLoader()
        from ansible.utils.display import Display
        self.listen_to(Display)
        from ansible.utils.collection_loader import AnsibleCollectionConfig
        loader.init_plugin_loader()
        self.collections = AnsibleCollectionConfig
        self.playbooks = []
        for folder in start['library']:
            loader.module_loader.add_directory(folder)

    def listen_to(self, display):
        wire = self.wire

        def say(kind):
            def said(self, msg, *args, **kwargs):
                if not kwargs.get('log_only'):
                    wire.send({'notice': kind, 'text': str(msg)})
            return said

        display.warning = say('warning')
        display.error = say('warning')

        def deprecated(self, msg, version=None, removed=False, date=None, collection_name=None, **kwargs):
            wire.send({'notice': 'deprecation', 'text': str(msg)})

        display.deprecated = deprecated
        display.display = lambda self, msg, *args, **kwargs: None
        display.verbose = lambda self, *args, **kwargs: None

    def roots(self, roots, playbooks):
        with self.lock:
            if playbooks != self.playbooks:
                self.playbooks = playbooks
                self.collections.playbook_paths = playbooks
            for root in roots:
                if root not in self.known_roots:
                    self.known_roots.add(root)
                    self.plugins.clear()
                    self.loaders.add_all_plugin_dirs(root)

    def do(self, request):
        self.roots(request['roots'], request['playbooks'])
        return getattr(self, 'do_' + request['do'])(request)

    # Modules.

    def do_module(self, request):
        """Where a module is, and its files if it is written in Python."""
        with self.lock:
            name = request['name']
            found = self.loaders.module_loader.find_plugin_with_context(name, mod_type='', collection_list=request['collections'] or None)
            if not found.resolved or not found.plugin_resolved_path:
                tried = [] if len(found.redirect_list) < 2 else found.redirect_list
                if tried:
                    raise Refused('The module %s was redirected to %s, which could not be loaded.' % (name, tried[-1]))
                raise Missing(name)
            path = found.plugin_resolved_path
            collection = found.plugin_resolved_collection or ''
            if collection not in ('', 'ansible.builtin', 'ansible.legacy'):
                # The module alone would do half of it.
                if self.loaders.action_loader.find_plugin_with_context(found.resolved_fqcn).resolved:
                    raise Refused('the module %s has an action plugin in Python, which is not run yet' % found.resolved_fqcn)
            return self.built(name, path)

    def built(self, name, path):
        from ansible.executor import module_common
        with open(path, 'rb') as file:
            content = file.read()
        placeholder = {'ansible_python_interpreter': '/usr/bin/python', 'ansible_playbook_python': sys.executable}
        built = module_common.modify_module(module_name=name, module_path=path, module_args={}, templar=self.Templar(self.data_loader, variables={}), task_vars=placeholder)
        if isinstance(built, tuple):
            data, style, shebang = built
        else:
            data, style, shebang = built.b_module_data, built.module_style, built.shebang
        told = {'path': path, 'style': {'non_native_want_json': 'json', 'binary': 'binary', 'old': 'pairs'}.get(style, 'python')}
        first = content.split(b'\n', 1)[0].strip()
        told['shebang'] = first[2:].decode(errors='surrogateescape').split() if first.startswith(b'#!') else []
        if told['style'] == 'python':
            if shebang == '#!powershell':
                raise Refused('the module %s is written in PowerShell, for Windows' % path)
            # Another language that has the arguments in its own text.
            payload = payload_of(data) if shebang and 'python' in shebang else None
            if payload is None:
                told['style'] = 'embedded'
            else:
                told.update(payload[0])
                told['files'] = self.files(payload[1])
                return told
        if told['style'] != 'binary' and not told['shebang']:
            raise Refused('module (%s) is missing interpreter line' % name)
        told['files'] = self.files([(os.path.basename(path), content)])
        return told

    def files(self, files):
        """Names, hashes, and the content of what was not told before."""
        told = []
        for name, content in files:
            key = hashlib.sha256(content).hexdigest()
            text = None
            if key not in self.sent:
                self.sent.add(key)
                text = base64.b64encode(content).decode()
            told.append([name, key, text])
        return told

    # Plugins of templates.

    def plugin(self, kind, name):
        key = kind, name
        found = self.plugins.get(key)
        if found is None:
            with self.lock:
                loader = getattr(self.loaders, kind + '_loader')
                try:
                    found = loader.get(name)
                except KeyError:
                    found = None
                if found is None:
                    raise Missing(name)
                self.plugins[key] = found
        return found

    def do_find(self, request):
        kind, name = request['kind'], request['name']
        if kind not in ('filter', 'test'):
            with self.lock:
                found = getattr(self.loaders, kind + '_loader').find_plugin_with_context(name, collection_list=request.get('collections') or None)
                if not found.resolved:
                    raise Missing(name)
                return {'name': found.resolved_fqcn or name}
        found = self.plugin(kind, name)
        return {'name': getattr(found, 'ansible_name', None) or name}

    def called(self, request):
        function = self.plugin(request['kind'], request['name']).j2_function
        passes = getattr(function, 'jinja_pass_arg', None)
        if passes is None:
            return function, ()
        environment = self.Templar(self.data_loader, variables={}).environment
        kind = getattr(passes, 'name', str(passes))
        if kind == 'environment':
            return function, (environment,)
        context = environment.context_class(environment, Variables(self.wire, request['id']), None, {}) if kind == 'context' else None
        if kind == 'context':
            return function, (context,)
        from jinja2.nodes import EvalContext
        return function, (EvalContext(environment, None),)

    def do_call(self, request):
        """Filters and tests: each of the values with the same further arguments."""
        function, before = self.called(request)
        rest, named = request['rest'], request['named']
        convert = bool if request['kind'] == 'test' else encode
        return [convert(function(*before, value, *rest, **named)) for value in request['values']]

    def do_lookup(self, request):
        variables = Variables(self.wire, request['id'])
        self.data_loader.set_basedir(request['basedir'])
        templar = self.Templar(self.data_loader, variables=variables)
        with self.lock:
            lookup = self.loaders.lookup_loader.get(request['name'], loader=self.data_loader, templar=templar)
        if lookup is None:
            raise Missing(request['name'])
        found = lookup.run(request['terms'], variables=variables, **request['named'])
        if isinstance(found, (str, bytes)) or not isinstance(found, collections.abc.Sequence):
            raise TypeError('returned %s instead of %s' % (type(found), list))
        return [encode(item) for item in found]


def payload_of(wrapper):
    """What a module in Python is called and how it takes values, and its files: constants in the script that Ansible makes of it."""
    import ast
    told, packed = {'name': None, 'profile': ''}, None
    for node in ast.walk(ast.parse(wrapper)):
        named = [(keyword.arg, keyword.value) for keyword in getattr(node, 'keywords', ())]
        named += [(getattr(target, 'id', None), node.value) for target in getattr(node, 'targets', ())]
        for name, value in named:
            text = getattr(value, 'value', None)
            if not isinstance(text, str):
                continue
            if name in ('zip_data', 'ZIPDATA'):
                packed = text
            elif name in ('module_fqn', 'mod_name'):
                told['name'] = text
            elif name == 'profile':
                told['profile'] = text
    if packed is None:
        return None
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed))) as archive:
        return told, [(entry.filename, archive.read(entry)) for entry in archive.infolist()]


def reason(error):
    """An exception in one line, with what it came from."""
    parts, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        text = str(getattr(error, '_message', None) or getattr(error, 'message', None) or error).strip() or type(error).__name__
        if not any(text in part for part in parts):
            parts.append(text)
        error = error.__cause__
    return ': '.join(part.rstrip('.') for part in parts[:-1]) + (': ' if len(parts) > 1 else '') + parts[-1]


def work(controller, wire, requests):
    while True:
        request = requests.get()
        answer = {'id': request['id']}
        wire.answers[request['id']] = queue.SimpleQueue()
        try:
            answer['ok'] = controller.do(request)
        except Missing as error:
            answer.update(error=str(error), kind='missing')
        except Refused as error:
            answer.update(error=str(error), kind='refused')
        except BaseException as error:
            answer.update(error=reason(error), kind=type(error).__name__, trace=traceback.format_exc())
        del wire.answers[request['id']]
        try:
            wire.send(answer)
        except (TypeError, ValueError) as error:
            wire.send({'id': request['id'], 'error': str(error), 'kind': type(error).__name__})


def main():
    wire = Wire()
    sys.path = [entry for entry in sys.path if entry not in ('', '.')]
    start = json.loads(wire.read(), object_hook=decoded)
    try:
        controller = Controller(wire, start)
    except BaseException as error:
        missing = isinstance(error, ImportError) and (error.name or '').partition('.')[0] == 'ansible'
        wire.send({'failed': reason(error), 'kind': 'missing' if missing else type(error).__name__})
        return
    wire.send({'ready': controller.version, 'python': sys.executable})
    requests = queue.SimpleQueue()
    idle = 0
    threads = []
    while True:
        frame = wire.read()
        if frame is None:
            os._exit(0)
        message = json.loads(frame, object_hook=decoded)
        if 'do' in message:
            # A request may wait for others: none waits for a thread.
            if requests.qsize() >= idle - len(wire.answers):
                thread = threading.Thread(target=work, args=(controller, wire, requests), daemon=True)
                thread.start()
                threads.append(thread)
                idle = len(threads)
            requests.put(message)
        else:
            waiting = wire.answers.get(message['id'])
            if waiting is not None:
                waiting.put(message)


if __name__ == '__main__':
    main()
