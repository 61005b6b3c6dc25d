// Dates as text name their zone, as the platform's engine does; there it is always UTC.

for (const name of ["toString", "toTimeString"]) {
  const original = Date.prototype[name];
  const named = {
    [name]() {
      const text = original.call(this);
      return text.endsWith("+0000") ? `${text} (Coordinated Universal Time)` : text;
    },
  };
  Object.defineProperty(Date.prototype, name, { value: named[name], writable: true, configurable: true });
}
