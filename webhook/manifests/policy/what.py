"""What becomes of each container's env, in CEL: how rows meet the entries that are there.

Each step is a list with one map for each treated container. The functions of the core that a step stands for are those
of :mod:`webhook.injection.environment`. Lists are walked, and not searched for their like: a policy whose cost was the
square of a pod's size would be a way to hold the API server up.
"""

from __future__ import annotations

from collections.abc import Iterator

from webhook import contract
from webhook.contract import OnConflict, Role
from webhook.injection.selection import INIT, REGULAR
from webhook.manifests.policy import patterns
from webhook.manifests.policy.cel import Variable, pattern, table, text, texts
from webhook.manifests.policy.rows import ANNOTATED, FOLLOWED, KUBERAY, KUBERAY_WAIT, KUBERAYS, Tables
from webhook.manifests.policy.who import is_host_port


def what(tables: Tables) -> Iterator[Variable]:
    """The variables, each made of those before it."""
    kinds = ",\n".join(f"  {text(kind)}: {table(rows, '  ')}" for kind, rows in tables.rows.items())
    yield Variable(
        "rows",
        "For each kind of container what it is to have: a variable's name and value; what to do where it is missing;\n"
        "// and where it is wrong; which value is right; what a blank one is; and what its earlier duplicates do.",
        f"{{\n{kinds}\n}}",
    )
    names = ", ".join(f"{text(name)}: true" for name in tables.names)
    yield Variable("names", "All variables that may be touched.", f"{{{names}}}")
    yield Variable("treated", "The containers, each with the kind of its rows.", _treated())
    yield Variable("found", "Where the entries stand that count, by their index.", _found())
    yield Variable("kept", "What others follow: a readable value that stays, else the wanted one.", _kept())
    yield Variable("decided", "What becomes of each variable: insert, fill, tidy, replace or remove.", _decided())
    yield Variable(
        "isRefused",
        "The pod wants to be refused rather than changed, and is left to whoever refuses.",
        f"variables.mode == {text(OnConflict.DENY)}\n"
        '&& variables.decided.exists(t, t.decided.exists(d, d.verb in ["replace", "remove"]))',
    )
    yield Variable("placed", "Where each variable is to stand; a new one before whatever refers to it.", _placed())
    yield Variable("operations", "The changes, told by the indexes from before.", _operations())


def _treated() -> str:
    plain = (
        f"(variables.role == {text(Role.CLIENT)} ? variables.connect\n"
        '    : variables.role + (size(c.?envFrom.orValue([])) > 0 ? " envFrom" : ""))'
    )
    kuberays = {
        INIT: f'c.name == {text(contract.KUBERAY_WAIT_GCS)} ? {text(KUBERAY_WAIT)} : ""',
        REGULAR: 'i != variables.rayContainer ? ""\n'
        f'    : variables.kuberayAddress == "" ? {text(KUBERAY_WAIT)} : {text(KUBERAY)}',
    }
    lists = [
        f"""object.spec.?{field}.orValue([]).transformList(i, c, {{
  "path": dyn("/spec/{field}/" + string(i) + "/env"),
  "env": dyn(c.?env.orValue([])),
  "kind": dyn(c.name in variables.skipped ? "" : variables.isKubeRays ? ({kuberay})
    : size(variables.listed) > 0 && !(c.name in variables.listed) ? "" : {plain})
}})"""
        for field, kuberay in kuberays.items()
    ]
    return f'!variables.isUnderstood ? [] : ({" + ".join(lists)}).filter(t, t.kind != "")'


def _found() -> str:
    """A row for a Ray namespace is none where neither the settings nor the pod name one."""
    unknown = texts([ANNOTATED, f"$({contract.RAY_NAMESPACE})"])
    return f"""\
variables.treated.map(t, {{
  "path": t.path,
  "env": t.env,
  "rows": dyn(variables.rows[string(t.kind) + (variables.keeps ? " keep" : "")]
    .filter(r, variables.rayNamespace != "" || !(r[1] in {unknown}))),
  "ours": dyn(t.env.transformList(i, e, e.name in variables.names, i)),
  "referrers": dyn(t.env.transformList(i, e, e.?value.orValue("").contains("$("), i))
}})"""


def _kept() -> str:
    """As ``_kept`` of :mod:`webhook.injection.variables`."""
    return f"""\
variables.found.map(t, !variables.keeps ? [""] : {texts(FOLLOWED)}.map(n,
  [t.ours.filter(i, t.env[i].name == n)].map(at, size(at) == 0 ? [] : [t.env[at[size(at) - 1]]])[0]
  .filter(e, !has(e.valueFrom) && e.?value.orValue("") != "" && !e.value.matches({pattern(patterns.UNREADABLE)})
    && (n != {text(contract.RAY_PORT)} || e.value.matches({pattern(patterns.PORT)}))
    && (n != {text(contract.RAY_ADDRESS)} || !e.value.matches({pattern(patterns.BLANK_ADDRESS)})))
  .map(e, string(e.value)) + t.rows.filter(r, r[0] == n).map(r, string(r[1])) + [""]).map(l, l[0]))"""


def _decided() -> str:
    """As ``_is_ours`` and ``is_right``, and half of ``_place``."""
    filled = "v" + "".join(f".replace({text(f'$({name})')}, k[{at}])" for at, name in enumerate(FOLLOWED))
    return f"""\
variables.found.transformList(x, t, [variables.kept[x]].map(k, {{
  "path": t.path,
  "env": t.env,
  "ours": dyn(t.ours.reverse()),
  "referrers": t.referrers,
  "decided": dyn(t.rows.map(r,
    [string(r[1])].map(v, !v.contains("$(") ? v : (variables.keeps ? {filled} : v)
      .replace({text(ANNOTATED)}, variables.rayNamespace).replace({text(KUBERAYS)}, variables.kuberayAddress))
    .map(v, [t.ours.filter(i, t.env[i].name == r[0])].map(at, {{
      "name": dyn(r[0]), "value": dyn(v), "at": dyn(at), "others": dyn(r[6]),
      "verb": dyn(size(at) == 0 ? (r[2] == "add" ? "insert" : "leave")
        : [t.env[at[size(at) - 1]]].map(e, {_verb()})[0])
    }})[0])[0])
    .filter(d, d.verb != "leave").map(d, {{
      "name": d.name, "value": d.value, "at": d.at, "verb": d.verb,
      "others": d.verb in ["replace", "remove"] ? dyn("go") : d.others
    }}))
}})[0])"""


def _verb() -> str:
    """What becomes of a variable whose last entry is ``e``, where its row ``r`` wants ``v``."""
    return f"""r[4] == "any" ? "leave"
        : r[5] == "absent" && !has(e.valueFrom)
          && e.?value.orValue("").matches({pattern(patterns.BLANK_ADDRESS)}) ? "fill"
        : (r[4] == "direct" ? !has(e.valueFrom) && (e.?value.orValue("") in ["", "auto"] || {is_host_port("e.value")})
          : r[3] != "remove" && !has(e.valueFrom) && e.?value.orValue("") == v) ? "tidy"
        : string(r[3])"""


def _placed() -> str:
    """As ``_target`` and ``_write_insertions``; an entry that is itself about to be written refers to nothing."""
    reference, value = '("$(" + d.name + ")")', "t.env[i].value"
    refers = f"{value}.contains({reference})\n        && {reference} in {value}.findAll({pattern(patterns.REFERENCES)})"
    return f"""\
variables.decided.map(t,
  [t.referrers.filter(i, !t.decided.exists(d, d.others == "go" && d.name == t.env[i].name))].map(referrers, {{
  "path": t.path,
  "env": t.env,
  "ours": t.ours,
  "placed": dyn(t.decided.transformList(order, d, {{
    "name": d.name, "order": dyn(order), "insert": dyn(d.verb == "insert"), "others": d.others,
    "value": d.verb == "tidy" ? dyn(t.env[d.at[size(d.at) - 1]].?value.orValue("")) : d.value,
    "target": dyn(d.verb == "remove" ? -1
      : d.verb == "insert" ? (referrers.filter(i, {refers}) + [size(t.env)])[0]
      : d.others == "go" && referrers.exists(i, d.at[0] < i && i < d.at[size(d.at) - 1]
        && {refers}) ? d.at[0]
      : d.at[size(d.at) - 1])
  }}))
}})[0])"""


def _operations() -> str:
    return """\
variables.placed.map(t, {
  "path": t.path,
  "end": dyn(size(t.env)),
  "replaced": dyn(t.placed.filter(d, !d.insert && d.target >= 0 && (has(t.env[d.target].valueFrom)
    || t.env[d.target].?value.orValue("") != d.value))),
  "removed": dyn(t.ours.filter(i, t.placed.exists(d, d.name == t.env[i].name && d.others == "go" && d.target != i))),
  "inserted": dyn(t.placed.filter(d, d.insert && d.target < size(t.env))),
  "added": dyn(t.placed.filter(d, d.insert && d.target == size(t.env)))
})"""


def patch(secret: tuple[str, str] | None) -> str:
    """JSON Patch operations in the core's order, so that each index is right when its turn comes.

    An entry that stays is never written again: the API server cannot turn one of its own into JSON (tried on 1.37).
    """
    entry = '{"name": d.name, "value": d.value}'
    if secret is not None:
        reference = f'{{"secretKeyRef": {{"name": {text(secret[0])}, "key": {text(secret[1])}}}}}'
        whole = f'{{"name": d.name, "valueFrom": dyn({reference})}}'
        entry = f"(d.name == {text(contract.RAY_AUTH_TOKEN)} ? dyn({whole}) : dyn({entry}))"
    return f"""\
variables.isRefused ? [] : variables.operations.map(t, t.end == 0
  ? t.added.filter(d, d == t.added[0]).map(d, JSONPatch{{op: "add", path: string(t.path),
    value: t.added.map(d, {entry})}})
  : t.replaced.map(d, JSONPatch{{op: "replace", path: string(t.path) + "/" + string(d.target),
    value: {entry}}})
  + t.removed.map(i, JSONPatch{{op: "remove", path: string(t.path) + "/" + string(i)}})
  + t.inserted.map(d, JSONPatch{{op: "add", path: string(t.path) + "/" + string(d.target
    - size(t.removed.filter(i, i < d.target)) + size(t.inserted.filter(o, o.target <= d.target && o.order < d.order))),
    value: {entry}}})
  + t.added.map(d, JSONPatch{{op: "add", path: string(t.path) + "/-",
    value: {entry}}})
).flatten()"""
