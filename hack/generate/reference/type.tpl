{{- /* A type: what it is, its rules, its values or fields, who uses it. */ -}}
{{- define "type" }}
### {{ .Name }}

{{ if .IsAlias }}A {{ markdownRenderType .UnderlyingType }}. {{ end }}{{ .Doc }}
{{- template "rules" dict "rules" .Validation "cel" (index .Markers "kubebuilder:validation:XValidation") }}
{{ if .EnumValues }}
| Value | Meaning |
| --- | --- |
{{ range .EnumValues -}}
| `{{ .Name }}` | {{ template "cell" .Doc }} |
{{ end }}
{{- end }}
{{- if .Members }}
| Field | Type | Meaning | Limits |
| --- | --- | --- | --- |
{{ if .GVK -}}
| `apiVersion` | string | `{{ .GVK.Group }}/{{ .GVK.Version }}` | |
| `kind` | string | `{{ .GVK.Kind }}` | |
{{ end -}}
{{ range .Members }}{{ template "type_members" . }}{{ end }}
{{- end }}
{{- if and .References (not .GVK) }}
Used in:
{{- range $i, $user := .SortedReferences }}{{ if $i }},{{ end }} {{ markdownRenderTypeLink $user }}{{ end }}.
{{ end }}
{{- end -}}

{{- /* The limits of a type and its CEL rules, which are told by their messages. */ -}}
{{- define "rules" }}
{{- $limits := list }}
{{- range .rules }}{{ if not (hasPrefix "Enum" .) }}{{ $limits = append $limits . }}{{ end }}{{ end }}
{{- if $limits }}

Limits: {{ join ", " $limits }}.
{{- end }}
{{- if .cel }}

Rules:
{{ range .cel }}
- {{ .Message }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Text in one cell of a table: one line. */ -}}
{{- define "cell" }}{{ markdownRenderFieldDoc . | trimSuffix "<br />" | replace "<br />" " " }}{{ end -}}
