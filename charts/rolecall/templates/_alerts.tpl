{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
The alerts, without what the values add. Every one has a part in docs/runbook.md.
*/}}
{{- define "rolecall.alerts" -}}
{{- $of := printf "job=\"%s-metrics\",namespace=\"%s\"" (include "rolecall.fullname" .) .Release.Namespace -}}
{{- $limits := .Values.metrics.prometheusRule.thresholds -}}
# A replica that has no policy yet answers nobody, as one does that cannot be read.
- alert: RolecallDown
  expr: absent(rolecall_snapshot_revision{ {{- $of -}} } > 0)
  for: 2m
  labels:
    severity: critical
    namespace: {{ .Release.Namespace }} # absent knows none
  annotations:
    summary: No replica of Rolecall answers.
    description: >-
      Prometheus reads the metrics of no replica that has a policy; applications that ask probably get no answers.
- alert: RolecallReplicaDown
  expr: up{ {{- $of -}} } == 0
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: A replica of Rolecall cannot be reached.
    description: >-
      Prometheus has not read the metrics of {{`{{ $labels.pod }}`}} for 10 minutes.
- alert: RolecallReplicaNotReady
  expr: rolecall_snapshot_revision{ {{- $of -}} } == 0
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: A replica of Rolecall does not become ready.
    description: >-
      {{`{{ $labels.pod }} has read no policy for 10 minutes and answers nobody.`}}
- alert: RolecallSnapshotStale
  expr: rolecall_snapshot_age_seconds{ {{- $of -}} } > {{ $limits.snapshotAgeSeconds }}
  for: 1m
  labels:
    severity: critical
  annotations:
    summary: A replica of Rolecall decides by old objects.
    description: >-
      {{`{{ $labels.pod }} has not heard from the API server for {{ $value | humanizeDuration }}; what was revoked meanwhile is still granted.`}}
# A replica that has stood still for long enough is compared with the others that have;
# and one that stands still while others move on is behind. One that has no policy yet
# (0) answers nobody.
- alert: RolecallReplicasDisagree
  expr: |-
    count by (namespace) (
      count_values by (namespace) ("revision",
        rolecall_snapshot_revision{ {{- $of -}} } > 0 unless changes(rolecall_snapshot_revision{ {{- $of -}} }[5m]) > 0
      )
    ) > 1
    or
    count by (namespace) (
      (rolecall_snapshot_revision{ {{- $of -}} } > 0 unless changes(rolecall_snapshot_revision{ {{- $of -}} }[10m]) > 0)
        and on (namespace) max by (namespace) (changes(rolecall_snapshot_revision{ {{- $of -}} }[10m])) > 0
        and on (namespace) max by (namespace) (rolecall_snapshot_revision{ {{- $of -}} }) > min by (namespace) (rolecall_snapshot_revision{ {{- $of -}} } > 0)
    ) > 0
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: Replicas of Rolecall decide by different objects.
    description: >-
      The same check may be allowed by one replica and denied by another.
- alert: RolecallDenyWithoutEffect
  expr: max by (namespace, reason) (rolecall_compile_faults{ {{- $of -}} ,reason=~"InheritedRoleNotFound|DenyMatchesNothing"}) > 0
  for: 10m
  labels:
    severity: critical
  annotations:
    summary: Something that was meant to forbid forbids nothing.
    description: >-
      {{`{{ $value }} faults of objects have the reason {{ $labels.reason }}.`}}
- alert: RolecallCompileFaults
  expr: max by (namespace, reason) (rolecall_compile_faults{ {{- $of -}} ,reason!~"InheritedRoleNotFound|DenyMatchesNothing"}) > 0
  for: 30m
  labels:
    severity: warning
  annotations:
    summary: Objects of rolecall.dev have faults.
    description: >-
      {{`{{ $value }} faults of objects have the reason {{ $labels.reason }}.`}}
- alert: RolecallErrors
  expr: |-
    100 * sum by (namespace) (rate(rolecall_decisions_total{ {{- $of -}} ,decision="error",reason=~"NotReady|InternalError"}[5m]))
      / sum by (namespace) (rate(rolecall_decisions_total{ {{- $of -}} }[5m])) > {{ $limits.errorPercent }}
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: Checks end without a decision.
    description: >-
      {{`{{ $value | printf "%.1f" }} % of the checks end with an error that is Rolecall's own.`}}
- alert: RolecallConditionErrors
  expr: sum by (namespace, reason) (rate(rolecall_decisions_total{ {{- $of -}} ,reason=~"ConditionError|DenyError"}[5m])) > 0
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: Conditions of roles or bindings fail when they are evaluated.
    description: >-
      {{`Checks are denied with {{ $labels.reason }}, {{ $value | printf "%.2f" }} a second.`}}
- alert: RolecallSlow
  expr: |-
    1000 * histogram_quantile(0.99, sum by (namespace, le) (rate(rolecall_check_duration_seconds_bucket{ {{- $of -}} }[5m])))
      > {{ $limits.latencyMilliseconds }}
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: Decisions take long.
    description: >-
      {{`One decision in 100 takes more than {{ $value | printf "%.1f" }} ms.`}}
- alert: RolecallCertificateExpires
  expr: min by (namespace, certificate) (rolecall_certificate_not_after_timestamp_seconds{ {{- $of -}} }) - time() < {{ mul $limits.certificateDays 86400 }}
  for: 1h
  labels:
    severity: critical
  annotations:
    summary: A certificate of Rolecall ends soon and has not been renewed.
    description: >-
      {{`That of {{ $labels.certificate }} ends in {{ $value | humanizeDuration }}.`}}
- alert: RolecallDecisionLogDrops
  expr: sum by (namespace, result) (rate(rolecall_decision_log_lines_total{ {{- $of -}} ,result!="written"}[5m])) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: Decisions are missing in the decision log.
    description: >-
      {{`{{ $value | printf "%.1f" }} lines a second are {{ $labels.result }}.`}}
- alert: RolecallIssuerKeysMissing
  expr: min by (namespace, exported_namespace, issuer) (rolecall_issuer_keys{ {{- $of -}} }) == 0
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: Tokens of an issuer cannot be verified.
    description: >-
      {{`A replica has no key of {{ $labels.issuer }} that may be used; checks with its tokens end with 503.`}}
- alert: RolecallIssuerKeysOld
  expr: max by (namespace, exported_namespace, issuer) (rolecall_issuer_key_age_seconds{ {{- $of -}} }) > {{ $limits.issuerKeyAgeSeconds }}
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: Keys of an issuer cannot be fetched.
    description: >-
      {{`Those of {{ $labels.issuer }} were last fetched {{ $value | humanizeDuration }} ago.`}}
- alert: RolecallCallerReviewsFail
  expr: sum by (namespace, review) (rate(rolecall_caller_reviews_total{ {{- $of -}} ,outcome="failed"}[5m])) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: Callers cannot be reviewed.
    description: >-
      {{`Reviews by {{ $labels.review }} fail, {{ $value | printf "%.2f" }} a second; callers that are not known yet get 503.`}}
- alert: RolecallAdmissionReviewsFail
  expr: sum by (namespace) (rate(rolecall_admission_reviews_total{ {{- $of -}} ,outcome="failed"}[5m])) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: The admission webhook cannot judge objects.
    description: >-
      {{`{{ $value | printf "%.2f" }} reviews a second fail; authors are not told what is wrong with their objects.`}}
{{- end -}}
