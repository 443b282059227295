#!/usr/bin/env bash
# Installs or updates the webhook, waits for it, restarts the workloads that are stale, and verifies. Safe to run again.
set -euo pipefail
umask 077

usage() {
  cat <<'EOF'
usage: deploy/apply.sh NAMESPACE [options]

NAMESPACE is the workloads': there it is verified that pods get their settings, and what is stale is restarted.

  --overlay NAME|DIR   dev, staging, production, or a kustomization of yours  [default: dev]
  --context NAME       context of the kubeconfig file  [default: its current one]
  --timeout SECONDS    for each thing that is waited for  [default: 180]
  --dry-run            check everything, say what would be applied, audit NAMESPACE, and change nothing
  --uninstall          remove what the overlay installs, policy bindings first
  -h, --help           this text

RAY_WEBHOOK is the path of the program ray-webhook  [default: on PATH, else in .venv/bin of the checkout].
Progress goes to stderr, the audit to stdout. The exit status is 0 if all is right, 1 if the audit's findings are left,
2 for wrong usage or input, 3 if the cluster failed.
EOF
}

say() { printf '%s\n' "$*" >&2; }

# fail STATUS WHAT HOW: what failed, and how to go on.
fail() {
  say "apply.sh: $2"
  say "  $3"
  exit "$1"
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$here")
readonly here checkout by=ray-webhook-apply
readonly check="see kubectl's message above, mend that, and run this again"

main() {
  parse_arguments "$@"
  unset "${!RAY_WEBHOOK_@}" # flags of the program, for some other purpose: here the overlay says them
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  find_tools
  render
  if [[ $action == uninstall ]]; then
    check_place
    uninstall
    return
  fi
  check_settings
  check_guard
  check_place
  if [[ $action == dry-run ]]; then
    say "Would apply:"
    sed 's/^/  /' "$scratch/objects" >&2
  else
    install
    verify
  fi
  finish
}

parse_arguments() {
  namespace='' overlay=dev context='' timeout=180 action=apply
  while (($#)); do
    case $1 in
      -h | --help) usage && exit 0 ;;
      --dry-run | --uninstall) action=${1#--} && shift ;;
      --overlay | --context | --timeout)
        (($# > 1)) || fail 2 "$1 has no value" "see deploy/apply.sh --help"
        printf -v "${1#--}" %s "$2"
        shift 2
        ;;
      -*) fail 2 "no such option: $1" "see deploy/apply.sh --help" ;;
      *)
        [[ -z $namespace ]] || fail 2 "more than one NAMESPACE is given: $1" "see deploy/apply.sh --help"
        namespace=$1 && shift
        ;;
    esac
  done
  [[ -n $namespace ]] || fail 2 "no NAMESPACE is given" "see deploy/apply.sh --help"
  [[ $namespace =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]] ||
    fail 2 "NAMESPACE is '$namespace'; allowed: the name of a namespace" "see kubectl get namespaces"
  [[ $timeout =~ ^[1-9][0-9]*$ ]] ||
    fail 2 "--timeout is '$timeout'; allowed: seconds as a whole number" "give one, such as --timeout 180"
}

kube() { kubectl ${context:+--context "$context"} "$@"; }

find_tools() {
  command -v kubectl >/dev/null || fail 2 "kubectl is not on PATH" "install it: https://kubernetes.io/docs/tasks/tools/"
  program=${RAY_WEBHOOK:-$(command -v ray-webhook || echo "$checkout/.venv/bin/ray-webhook")}
  "$program" --version >/dev/null 2>&1 || fail 2 "the program ray-webhook does not run: $program" \
    "run make -C $checkout demo, which sets it up there${RAY_WEBHOOK:+, and unset RAY_WEBHOOK}, and run this again"
  kube get --raw /version >/dev/null || fail 3 "the cluster does not answer" \
    "see kubectl's message above; which cluster it is say KUBECONFIG and --context"
  # kubectl may join several files; the program reads one. In a pod there is none, and none is needed.
  if kube config view --raw --minify --flatten >"$scratch/kubeconfig" 2>/dev/null; then
    export RAY_WEBHOOK_KUBECONFIG=$scratch/kubeconfig
  fi
}

# Leaves in $scratch: all.yaml, and the same in four parts by when they are removed.
render() {
  [[ $overlay == */* || ! -d $here/kustomize/overlays/$overlay ]] || overlay=$here/kustomize/overlays/$overlay
  [[ -d $overlay ]] || fail 2 "the overlay '$overlay' is not there" \
    "give dev, staging, production or the path of a kustomization"
  kubectl kustomize "$overlay" >"$scratch/all.yaml" || fail 2 "the overlay $overlay cannot be rendered" "$check"
  [[ $action != uninstall ]] || drop_unknown
  touch "$scratch/namespace.yaml" # an overlay may do without it
  awk -v folder="$scratch/" '
    function flush() { if (text) printf "---\n%s", text >(folder part ".yaml"); text = ""; part = "rest" }
    BEGIN { part = "rest" }
    /^---$/ { flush(); next }
    /^kind: Namespace$/ { part = "namespace" }
    /^kind: (Validating|Mutating)AdmissionPolicyBinding$/ { part = "bindings" }
    /^kind: (Validating|Mutating)WebhookConfiguration$/ { part = "configurations" }
    { text = text $0 "\n" }
    END { flush() }' "$scratch/all.yaml"
  describe
}

# Of a kind whose definition is gone nothing is left that could be removed, and kubectl would fail on it.
drop_unknown() {
  local kinds
  kinds=$(kube create --dry-run=client --validate=false -f "$scratch/all.yaml" -o name 2>&1 >/dev/null |
    sed -n 's/.*no matches for kind "\([A-Za-z]*\)".*/\1/p' | sort -u) || true
  [[ -n $kinds ]] || return 0
  say "The cluster does not know these kinds, of which there is nothing to remove: ${kinds//$'\n'/, }"
  awk -v unknown="^kind: (${kinds//$'\n'/|})\$" '
    function flush() { if (!drop) printf "%s", text; text = ""; drop = 0 }
    /^---$/ { flush() }
    $0 ~ unknown { drop = 1 }
    { text = text $0 "\n" }
    END { flush() }' "$scratch/all.yaml" >"$scratch/known.yaml"
  mv "$scratch/known.yaml" "$scratch/all.yaml"
}

# Leaves in $scratch: objects, one "KIND NAMESPACE NAME" a line; described, the same with details in lines between; and
# service, the details of the Deployment.
describe() {
  local template='{{.kind}} {{or .metadata.namespace "-"}} {{.metadata.name}}
{{- if eq .kind "MutatingWebhookConfiguration"}}{{range .webhooks}}
Entry {{.clientConfig.service.namespace}} {{.name}} {{.clientConfig.service.name}}{{end}}{{end}}
{{- if eq .kind "ValidatingAdmissionPolicyBinding"}}
Binding - {{.metadata.name}}{{range .spec.validationActions}} {{.}}{{end}}{{end}}
{{- if eq .kind "Deployment"}}{{range .spec.template.spec.containers}}{{range .args}}
Flag - {{.}}{{end}}{{range .env}}
Variable - {{.name}} {{or .value ""}}{{end}}{{range .volumeMounts}}
Path - {{.mountPath}} {{.name}}{{end}}{{end}}{{range .spec.template.spec.volumes}}{{if .secret}}
Mount - {{.name}} {{.secret.secretName}}{{end}}{{end}}{{end}}
'
  kube create --dry-run=client --validate=false -f "$scratch/all.yaml" -o go-template="$template" \
    >"$scratch/described" || fail 3 "the cluster does not know all kinds of the overlay $overlay" \
    "install what has them (cert-manager, say) and run this again, or take the component out"
  grep -Ev '^(Entry|Binding|Flag|Variable|Path|Mount) ' "$scratch/described" >"$scratch/objects"
  own=$(awk '$1 == "Deployment" && $3 ~ /ray-webhook/ { print $2; exit }' "$scratch/objects")
  deployment=$(awk '$1 == "Deployment" && $3 ~ /ray-webhook/ { print $3; exit }' "$scratch/objects")
  configuration=$(awk '$1 == "MutatingWebhookConfiguration" { print $3; exit }' "$scratch/objects")
  [[ -n $deployment && -n $configuration ]] ||
    fail 2 "the overlay $overlay has no Deployment ray-webhook, or no MutatingWebhookConfiguration" \
      "build it on deploy/kustomize/base"
  awk -v name="$deployment" '$1 == "Deployment" { ours = $3 == name } ours' "$scratch/described" >"$scratch/service"
  secret=$(mounted_for "$(told tls-cert | tail -n 1)")
  mode=$(told mode | tail -n 1)
  export RAY_WEBHOOK_WEBHOOK_NAMESPACE=$own
  tell_the_audit SETTINGS_NAME "$(told settings-name | tr '\n' ' ')"
  tell_the_audit CLUSTER_DOMAIN "$(told cluster-domain | tail -n 1)"
}

# What the service is told, so that the audit decides by the same.
tell_the_audit() { [[ -z $2 ]] || export "RAY_WEBHOOK_$1=$2"; }

# told FLAG: the values that the service is told by a flag, in one word or two, one a line; without one, its variable's.
told() {
  awk -v flag="--$1" '
    BEGIN { variable = toupper("RAY_WEBHOOK" substr(flag, 2)); gsub("-", "_", variable) }
    $1 == "Flag" {
      word = substr($0, length("Flag - ") + 1)
      if (before == flag) values = values word "\n"
      if (index(word, flag "=") == 1) values = values substr(word, length(flag) + 2) "\n"
      before = word
    }
    $1 == "Variable" && $3 == variable && NF > 3 { fallback = substr($0, length("Variable - " variable " ") + 1) "\n" }
    END { printf "%s", values ? values : fallback }' "$scratch/service"
}

# mounted_for FILE: the Secret whose volume a file of the service is in. Without a file the certificate looks after itself.
mounted_for() {
  awk -v file="$1" '
    $1 == "Path" && index(file, $3 "/") == 1 && length($3) > longest { longest = length($3); volume = $4 }
    $1 == "Mount" && volume && $3 == volume { print $4 }' "$scratch/service"
}

# The ConfigMaps with settings as they will be, whichever files they were made from.
check_settings() {
  local faults
  faults=$("$program" settings --no-color -f "$scratch/all.yaml" 2>&1) || {
    say "$faults"
    fail 2 "the settings of the overlay $overlay are not good; nothing was applied" \
      "mend what is told above, and run this again"
  }
}

# A guard that refuses pods which were not treated would refuse them all where none is.
check_guard() {
  local refusing
  refusing=$(awk '$1 == "Binding" && $3 ~ /ray-webhook-guard/ && / Deny( |$)/ { print $3; exit }' "$scratch/described")
  [[ $mode != observe || -z $refusing ]] ||
    fail 2 "the service observes and changes no pod, and the policy binding $refusing would refuse them" \
      "take the component guard-warn in place of guard, or let the service enforce; nothing was applied"
}

check_place() {
  local why="pods of the webhook's own namespace are never treated" found others
  [[ $own != "$namespace" ]] || fail 2 "the overlay installs into $own, which is NAMESPACE itself: $why" \
    "give the webhook a namespace of its own, ray-webhook-system in deploy/kustomize/base"
  found=$(kube get namespace "$namespace" --ignore-not-found -o name) ||
    fail 3 "the namespace $namespace cannot be had" "$check"
  [[ $action == uninstall || -n $found ]] || fail 2 "the namespace $namespace is not there" \
    "create it, with kubectl${context:+ --context $context} create namespace $namespace, and run this again"
  [[ $action != uninstall ]] || why="they would be deleted with it"
  others=$(workloads_of_others) || fail 3 "the namespace $own cannot be looked into" "$check"
  [[ -z $others ]] || fail 2 "the namespace $own has workloads of others (${others//$'\n'/, }): $why" \
    "let the overlay install into a namespace of its own, or move them"
}

# KubeRay's kinds, too, where they are known; an API that does not answer is no reason to know none, hence the true.
workloads_of_others() {
  local kinds=pods,deployments,statefulsets,daemonsets,replicasets,replicationcontrollers,cronjobs,jobs kuberay
  kuberay=$(kube api-resources --api-group=ray.io --namespaced --verbs=list -o name 2>/dev/null || true)
  kube get "$kinds${kuberay:+,${kuberay//$'\n'/,}}" -n "$own" -o name \
    --selector='app.kubernetes.io/name notin (ray-webhook,ray-webhook-audit)'
}

# The objects are the overlay's, whichever tool has applied them before.
apply() {
  kube apply --server-side --force-conflicts -f "$1" >&2 || fail 3 "not all of $2 could be applied" "$check"
}

# The actions of a binding are a set, to which each tool that ever applied it has added its own: what shall now be done
# otherwise begins anew. First of all, for the guard of a service that is to observe must not refuse for a moment longer.
remove_other_bindings() {
  local name wanted live actions='{{range .spec.validationActions}} {{.}}{{end}}'
  while read -r -u 3 _ _ name wanted; do
    live=$(kube get validatingadmissionpolicybinding "$name" --ignore-not-found -o go-template="$actions") ||
      fail 3 "the policy binding $name cannot be had" "$check"
    [[ -z $live || $live == " $wanted" ]] || kube delete validatingadmissionpolicybinding "$name" >&2 ||
      fail 3 "the policy binding $name, which is to do $wanted and does$live, could not be removed" "$check"
  done 3< <(grep '^Binding ' "$scratch/described")
}

# The bindings last: a guard refuses pods that the webhook did not treat, so it has to answer before.
install() {
  say "Applying $overlay"
  remove_other_bindings
  cat "$scratch/namespace.yaml" "$scratch/rest.yaml" "$scratch/configurations.yaml" >"$scratch/first.yaml"
  apply "$scratch/first.yaml" "the overlay"
  if grep -q '^Certificate ' "$scratch/objects"; then
    await_certificates
  elif [[ -n $secret ]]; then
    have_certificate
  fi
  say "Waiting for deployment/$deployment"
  kube rollout status "deployment/$deployment" -n "$own" --timeout="${timeout}s" >&2 ||
    fail 3 "deployment/$deployment in $own is not ready after $timeout s; pods meanwhile go without their settings" \
      "see kubectl describe pods -n $own and kubectl logs -n $own deployment/$deployment, mend it, and run this again"
}

await_certificates() {
  local name
  say "Waiting for cert-manager"
  while read -r _ _ name; do
    kube wait --for=condition=Ready "certificate/$name" -n "$own" --timeout="${timeout}s" >&2 ||
      fail 3 "cert-manager has not issued the certificate $name after $timeout s" \
        "see kubectl describe certificate/$name -n $own, mend it, and run this again"
  done < <(grep '^Certificate ' "$scratch/objects")
}

# For an overlay that mounts one: a Secret with a certificate of our own where there is none or it is due, and its authority
# in the configuration. The certificate that looks after itself needs none of this.
have_certificate() {
  local found owner
  found=$(kube get secret "$secret" -n "$own" --ignore-not-found -o name) ||
    fail 3 "the Secret $own/$secret cannot be had" "$check"
  if [[ -z $found ]]; then
    issue
  elif ! part_of_secret tls.crt | "$program" certs show - >"$scratch/shown" 2>&1; then
    owner=$(of_secret '{{with .metadata.labels}}{{index . "app.kubernetes.io/managed-by"}}{{end}}')
    if [[ $owner == "$by" ]]; then
      issue
    else
      say "The certificate in Secret $own/$secret was issued elsewhere, and should be renewed there:"
      sed 's/^/  /' "$scratch/shown" >&2
    fi
  fi
  trust
}

of_secret() { kube get secret "$secret" -n "$own" --ignore-not-found -o go-template="$1"; }

part_of_secret() { of_secret "{{with .data}}{{with index . \"$1\"}}{{base64decode .}}{{end}}{{end}}"; }

# The authority's key is thrown away. The old authority is trusted for one more term, until all pods have the new pair.
issue() {
  local service folder=$scratch/tls
  say "Issuing a certificate into Secret $own/$secret"
  service=$(awk '$1 == "Entry" { print $4 "." $2 ".svc"; exit }' "$scratch/described")
  "$program" certs issue "$folder" --name "$service" >/dev/null ||
    fail 3 "no certificate could be issued" "see the message above"
  part_of_secret ca.crt | awk '!seen; /END CERTIFICATE/ { seen = 1 }' >"$folder/old.crt"
  cat "$folder/old.crt" >>"$folder/ca.crt"
  kube create secret generic "$secret" -n "$own" --type=kubernetes.io/tls --dry-run=client -o yaml \
    --from-file="$folder/tls.crt" --from-file="$folder/tls.key" --from-file="$folder/ca.crt" |
    kube label --local -f - "app.kubernetes.io/managed-by=$by" -o yaml |
    kube apply --server-side --force-conflicts --field-manager="$by" -f - >&2 ||
    fail 3 "the Secret $own/$secret could not be written" "$check"
  rm -rf "$folder"
}

# By a field manager of its own, so that applying the manifests again leaves the caBundle as it is.
trust() {
  local bundle entry present='{{range .webhooks}}{{with .clientConfig.caBundle}}{{.}}{{end}}{{end}}'
  bundle=$(part_of_secret ca.crt | base64 | tr -d '\n')
  if [[ -z $bundle ]]; then
    bundle=$(kube get mutatingwebhookconfiguration "$configuration" -o go-template="$present")
    [[ -n $bundle ]] || fail 3 "the Secret $own/$secret has no ca.crt, and $configuration has no caBundle" \
      "put the certificate's authority into one of them, or delete the Secret to have one issued, and run this again"
    return
  fi
  {
    printf 'apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\n'
    printf 'metadata: {name: %s}\nwebhooks:\n' "$configuration"
    while read -r _ _ entry _; do
      printf -- '- {name: %s, clientConfig: {caBundle: %s}}\n' "$entry" "$bundle"
    done < <(grep '^Entry ' "$scratch/described")
  } | kube apply --server-side --force-conflicts --field-manager="$by" -f - >&2 ||
    fail 3 "the caBundle of $configuration could not be set" "$check"
}

# A client that is created and not stored must come back with an address.
verify() {
  local end=$((SECONDS + timeout))
  if [[ $mode == observe ]]; then
    say "The service observes: no pod is changed, so there is nothing to verify"
  else
    say "Verifying that a client in $namespace gets its settings"
    until next_client >"$scratch/client" 2>"$scratch/refused" && grep -q '^RAY_ADDRESS=.' "$scratch/client"; do
      ! is_refused_by_others || fail 3 "it cannot be verified in $namespace: $(head -c 600 "$scratch/refused")" \
        "let $namespace have room for one more pod, such as of 100m CPU and 64Mi, or name another NAMESPACE"
      ((SECONDS < end)) || fail 3 "a client in $namespace gets no RAY_ADDRESS: $(head -c 600 "$scratch/refused")" \
        "see the labels of the namespace (ray.seedcore.io/injection), and kubectl logs -n $own deployment/$deployment"
      sleep 1
    done
  fi
  if [[ -s $scratch/bindings.yaml ]]; then
    say "Applying the policy bindings"
    apply "$scratch/bindings.yaml" "the policy bindings"
  fi
}

# By a quota, a LimitRange, rights, another policy: waiting changes nothing. The webhook, its guard (RAY and a number) and
# a namespace that is so new that it has no ServiceAccount may yet come round.
is_refused_by_others() {
  grep -Eq '\(Forbidden\)|denied the request' "$scratch/refused" &&
    ! grep -Eq 'RAY[0-9]{3}|ray\.seedcore\.io|service account' "$scratch/refused"
}

next_client() {
  local env='{{range .spec.containers}}{{range .env}}{{.name}}={{.value}}
{{end}}{{end}}'
  kube create --dry-run=server -n "$namespace" -o go-template="$env" -f - <<'EOF'
apiVersion: v1
kind: Pod
metadata:
  generateName: ray-webhook-verify-
  annotations: {ray.seedcore.io/role: client}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: client
      image: registry.k8s.io/pause:3.10
      resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 100m, memory: 64Mi}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
EOF
}

# The audit's text or names to stdout, its status 0 or 1; any other ends the script.
audit() {
  local status=0
  "$program" audit --no-color -n "$namespace" "$@" || status=$?
  ((status < 2)) || fail "$status" "$namespace could not be audited" "see the message above, and run this again"
  return "$status"
}

# What is left after all that can be done goes to stdout.
finish() {
  local status=0
  if [[ $mode == observe ]]; then
    say "The service observes: no pod has its settings, so there is nothing to audit"
    return
  fi
  say "Auditing $namespace"
  audit >"$scratch/audit" || status=1
  if ((status)) && [[ $action == apply ]] && restart_stale; then
    status=0
    audit >"$scratch/audit" || status=1
  fi
  cat "$scratch/audit"
  ((status == 0)) || fail 1 "$namespace has pods without their settings" \
    "do what is told above, each in its own time, and run this again, or ray-webhook audit -n $namespace"
  say "All is right: the pods in $namespace have their settings"
}

# Deployments, StatefulSets and DaemonSets, one after the other; false where none is stale. What the audit prints is no
# argument of kubectl before it has been looked at: in the end it goes back to what others wrote into their pods.
restart_stale() {
  local workload failed=''
  audit -o name >"$scratch/stale" || true
  [[ -s $scratch/stale ]] || return 1
  while read -r -u 3 workload _; do
    [[ $workload =~ ^(deployment|statefulset|daemonset)/[a-z0-9][a-z0-9.-]*$ ]] ||
      fail 3 "the audit names no workload that could be restarted: $workload" "see ray-webhook audit -n $namespace"
    say "Restarting $workload"
    if ! kube rollout restart "$workload" -n "$namespace" >&2 ||
      ! kube rollout status "$workload" -n "$namespace" --timeout="${timeout}s" >&2; then
      failed+=" $workload"
    fi
  done 3<"$scratch/stale"
  [[ -z $failed ]] || fail 3 "not restarted, or not ready again after $timeout s:$failed" \
    "see kubectl describe in $namespace, mend that, and run this again; what was restarted before stays so"
}

uninstall() {
  local part ours
  # Whoever made the namespace for something else has not labelled it so.
  ours=$(kube get namespaces -o name --selector=app.kubernetes.io/part-of=ray-webhook \
    --field-selector="metadata.name=$own") || fail 3 "the namespace $own cannot be had" "$check"
  for part in bindings configurations rest ${ours:+namespace}; do
    [[ -s $scratch/$part.yaml ]] || continue
    say "Removing $part"
    kube delete --ignore-not-found --timeout="${timeout}s" -f "$scratch/$part.yaml" >&2 ||
      fail 3 "not all of the $part could be removed" "$check"
  done
  [[ -n $ours ]] || say "The namespace $own, which is not the webhook's, is left"
  say "Pods that run keep their settings; new ones get none"
}

main "$@"
