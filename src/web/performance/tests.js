// The clock of the platform.
test("time counts from the epoch", () => {
  assert.equal(performance.timeOrigin, 0);
  assert.ok(Math.abs(performance.now() - Date.now()) < 60_000 || performance.now() < 60_000);
  assert.throws(() => performance.now.call({}), "TypeError");
});

test("marks and measures", () => {
  const mark = performance.mark("a", { detail: { x: 1 } });
  assert.ok(mark instanceof PerformanceMark);
  assert.deepEqual([mark.name, mark.entryType, mark.duration, mark.detail.x], ["a", "mark", 0, 1]);
  const measure = performance.measure("m", "a");
  assert.deepEqual([measure.name, measure.entryType, measure.startTime], ["m", "measure", mark.startTime]);
  assert.equal(performance.getEntriesByName("m").length, 1);
  assert.equal(performance.getEntriesByType("mark").length, 1);
  performance.clearMarks();
  performance.clearMeasures("other");
  assert.deepEqual(performance.getEntries().map((entry) => entry.name), ["m"]);
  performance.clearMeasures();
  assert.equal(performance.getEntries().length, 0);
});
