// Message channels.
test("messages come later, as copies", async () => {
  const { port1, port2 } = new MessageChannel();
  const seen = [];
  port2.onmessage = (e) => seen.push(e.data, e.constructor.name, e.target === port2, e.origin);
  const sent = { x: 1 };
  port1.postMessage(sent);
  sent.x = 2;
  seen.push("sync");
  await scheduler.wait(5);
  assert.deepEqual(seen, ["sync", { x: 1 }, "MessageEvent", true, null]);
});

test("ports wait until they are started, and can be closed", async () => {
  const { port1, port2 } = new MessageChannel();
  const seen = [];
  port2.addEventListener("message", (e) => seen.push(e.data));
  port2.onclose = (e) => seen.push(e.type);
  port1.postMessage(1);
  port2.start();
  await scheduler.wait(5);
  port1.close();
  port1.postMessage(2);
  await scheduler.wait(5);
  assert.deepEqual(seen, [1, "close"]);
});

test("wrong uses", () => {
  assert.throws(() => new MessagePort(), "TypeError", "Illegal constructor");
  assert.throws(() => new MessageChannel().port1.postMessage(1, [new ArrayBuffer(1)]), "Error", "Transfer list is not supported");
});
