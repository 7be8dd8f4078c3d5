"""Which run is this? Everything that determines the result of a training run, by name.

Two runs with the same identity are the same run: a checkpoint may go on with it, a cache may answer for
it. What is too large to be spelt out (weights, data, code) stands there as its SHA-256.
"""

import platform
import sys
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType

import numpy as np
import torch
from torch import Tensor, nn

Identity = dict[str, str]

SIMPLE = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
PLUMBING = frozenset(vars(nn.Module()))
PACKAGE = Path(__file__).parents[1]
ABOVE_TRAINING = ("explorers", "exercises", "environment", "notebooks", "classroom", "scoreboard", "__main__")


def of_tensors(tensors: Iterable[Tensor]) -> str:
    """SHA-256 over shapes, types and bytes.

    >>> of_tensors([torch.zeros(2)]) == of_tensors([torch.zeros(2, 1)])
    False
    """
    digest = sha256()
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{tuple(plain.shape)} {plain.dtype} ".encode())
        digest.update(plain.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def of_weights(model: nn.Module) -> str:
    """SHA-256 over all parameters and buffers, also those that ``state_dict`` leaves out."""
    return of_tensors([*model.parameters(), *model.buffers()])


def of_model(model: nn.Module) -> Identity:
    """The hyper-parameters of the model and of its parts, their code, and the form of the parameters.
    >>> of_model(nn.Linear(3, 2))["in_features"]
    '3'
    """
    identity = {"model": type(model).__name__}
    sources = []
    for name, part in model.named_modules():
        prefix = f"{name}." if name else ""
        settings = {key: value for key, value in vars(part).items() if key not in PLUMBING}
        identity |= {f"{prefix}{key}": spell(value) for key, value in settings.items()}
        sources.append(f"{name} {spell(type(part))}")
    forms = [(name, tuple(p.shape), p.dtype, p.requires_grad) for name, p in model.named_parameters()]
    return identity | {"parameters": repr(forms), "code": sha256("\n".join(sources).encode()).hexdigest()}


def of_surroundings(device: torch.device) -> Identity:
    """What else can move the last digit: the course's own source, versions, device, number of threads."""
    digest = sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0].removesuffix(".py") not in ABOVE_TRAINING:
            digest.update(f"{name.as_posix()}\n".encode() + path.read_bytes())
    return {
        "course": digest.hexdigest(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": platform.machine(),
        "device": device.type,
        "threads": str(torch.get_num_threads()),
    }


def spell(value: object, inside: set[int] | None = None) -> str:
    """The value as text that is the same in every process: no addresses, no order of hashing.

    Functions and classes are spelt by their byte code and by what they name in their own module; those
    of installed packages and of the course by their names, since versions and ``of_surroundings`` stand
    for their code.
    """
    if isinstance(value, SIMPLE):
        return repr(value)
    if isinstance(value, Tensor):
        return of_tensors([value])
    inside = set() if inside is None else inside
    if id(value) in inside:
        return getattr(value, "__qualname__", type(value).__qualname__)
    inside.add(id(value))
    text = _compound(value, inside)
    if not isinstance(value, type | FunctionType):
        inside.discard(id(value))
    return text


def _compound(value: object, inside: set[int]) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(spell(item, inside) for item in value)}]"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(spell(item, inside) for item in value))}}}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{spell(k, inside)}: {spell(v, inside)}' for k, v in value.items())}}}"
    if isinstance(value, nn.Module):
        return f"{of_model(value)} {of_weights(value)}"
    if isinstance(value, partial):
        return spell([value.func, value.args, value.keywords], inside)
    if isinstance(value, classmethod | staticmethod | MethodType):
        return spell(value.__func__, inside)
    if isinstance(value, property):
        return spell([value.fget, value.fset], inside)
    if isinstance(value, type):
        return _class(value, inside)
    if isinstance(value, FunctionType):
        return _function(value, inside)
    if isinstance(value, CodeType):
        return f"{value.co_code.hex()} {value.co_names} {spell(value.co_consts, inside)}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {sha256(value.tobytes()).hexdigest()}"
    name = getattr(value, "__qualname__", type(value).__qualname__)
    inner = None if isinstance(value, ModuleType) else getattr(value, "__dict__", None)
    return f"{name} {spell(inner, inside)}"


def _class(kind: type, inside: set[int]) -> str:
    if _has_version(kind.__module__):
        return f"{kind.__module__}.{kind.__qualname__}"
    code = FunctionType | classmethod | staticmethod | property
    members = {
        key: value
        for key, value in vars(kind).items()
        if isinstance(value, code) or not key.startswith(("__", "_abc_"))
    }
    return f"{kind.__qualname__} {spell(kind.__bases__, inside)} {spell(members, inside)}"


def _function(function: FunctionType, inside: set[int]) -> str:
    if _has_version(function.__module__):
        return f"{function.__module__}.{function.__qualname__}"
    found = {name: function.__globals__.get(name) for name in sorted(set(_names(function.__code__)))}
    used = {name: it for name, it in found.items() if isinstance(it, SIMPLE + (type, FunctionType))}
    enclosed = [cell.cell_contents for cell in function.__closure__ or ()]
    rest = [function.__defaults__, function.__kwdefaults__, enclosed, used]
    return f"{spell(function.__code__, inside)} {spell(rest, inside)}"


def _names(code: CodeType) -> list[str]:
    inner = [name for const in code.co_consts if isinstance(const, CodeType) for name in _names(const)]
    return [*code.co_names, *inner]


def _has_version(module: str) -> bool:
    """Whether code belongs to Python, to an installed package or to the course."""
    root = module.split(".")[0]
    if root in ("builtins", "course_utils", "torch") or (
        root in sys.stdlib_module_names and root != "__main__"
    ):
        return True
    return "site-packages" in (getattr(sys.modules.get(root), "__file__", None) or "")
