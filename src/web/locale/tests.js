// Numbers and dates as text in the platform's default locale, in UTC.
test("numbers", () => {
  for (const [value, expected] of [
    [1234.5, "1,234.5"], [0, "0"], [-0, "-0"], [1e21, "1,000,000,000,000,000,000,000"], [1234567.8915, "1,234,567.892"],
    [0.0005, "0.001"], [999.9999, "1,000"], [-1234, "-1,234"], [NaN, "NaN"], [-Infinity, "-∞"], [1e-7, "0"], [1.005, "1.005"],
  ]) {
    assert.equal(value.toLocaleString(), expected);
  }
  assert.equal((1234.5).toLocaleString("en-US", { minimumFractionDigits: 2 }), "1,234.50");
  assert.equal((1.005).toLocaleString("en-US", { maximumFractionDigits: 2 }), "1.01");
  assert.equal((2.5).toLocaleString(undefined, { maximumFractionDigits: 0 }), "3");
  assert.equal((12345).toLocaleString("en-US", { useGrouping: false }), "12345");
  assert.equal((1234567n).toLocaleString(), "1,234,567");
});

test("dates", () => {
  const date = new Date(Date.UTC(2024, 1, 9, 15, 4, 5));
  const utc = { timeZone: "UTC" };
  assert.equal(date.toLocaleDateString("en-US", utc), "2/9/2024");
  assert.equal(date.toLocaleTimeString("en-US", utc), "3:04:05 PM");
  assert.equal(date.toLocaleString("en-US", utc), "2/9/2024, 3:04:05 PM");
  assert.equal(new Date(0).toLocaleTimeString("en-US", utc), "12:00:00 AM");
  assert.equal(new Date(NaN).toLocaleDateString(), "Invalid Date");
  assert.throws(() => Date.prototype.toLocaleDateString.call({}), "TypeError");
});
