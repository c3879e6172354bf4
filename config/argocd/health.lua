-- SPDX-License-Identifier: Apache-2.0
--
-- What Argo CD shows of an object of rolecall.dev: Healthy when it is in force,
-- Degraded when only a person can mend it (Stalled), Progressing while something may
-- still arrive that it needs. It is what kstatus says of the same conditions.
local health = {status = "Progressing", message = "Rolecall has not looked at the object yet"}
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return health
end
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Stalled" and condition.status == "True" then
    return {status = "Degraded", message = condition.message}
  end
  if condition.type == "Ready" then
    health.message = condition.message
    if condition.status == "True" then
      health.status = "Healthy"
    end
  end
end
return health
