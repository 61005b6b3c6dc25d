// Dates as text.
test("dates name their zone", () => {
  const date = new Date(0);
  assert.equal(date.toString(), "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)");
  assert.equal(date.toTimeString(), "00:00:00 GMT+0000 (Coordinated Universal Time)");
  assert.equal(`${date}`, date.toString());
  assert.equal(String(new Date(NaN)), "Invalid Date");
  assert.equal(Date.prototype.toString.name, "toString");
});
