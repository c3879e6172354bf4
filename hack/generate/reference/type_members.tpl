{{- /* A field. Limits and rules that its type has anyway stand with the type. */ -}}
{{- define "type_members" -}}
{{- $rule := "kubebuilder:validation:XValidation" }}
{{- $ofType := default list .Type.Validation }}
{{- if .Type.UnderlyingType }}{{ $ofType = concat $ofType .Type.UnderlyingType.Validation }}{{ end }}
{{- $limits := list }}
{{- range .Validation }}
{{- if hasPrefix "Required" . }}{{ $limits = prepend $limits "required" }}
{{- /* How the schema is made is nobody's limit. */ -}}
{{- else if not (or (hasPrefix "Optional" .) (hasPrefix "Schemaless" .) (has . $ofType)) }}{{ $limits = append $limits (markdownRenderFieldDoc .) }}
{{- end }}
{{- end }}
{{- if not (or (index .Type.Markers $rule) (and .Type.UnderlyingType (index .Type.UnderlyingType.Markers $rule))) }}
{{- range (index .Markers $rule) }}{{ $limits = append $limits (markdownRenderFieldDoc .Message) }}{{ end }}
{{- end -}}
| `{{ .Name }}` | {{ markdownRenderType .Type }} | {{ if eq .Name "metadata" }}Name, namespace, labels and so on.{{ else }}{{ template "cell" .Doc }}{{ end }} | {{ join "<br />" $limits }} |
{{ end -}}
