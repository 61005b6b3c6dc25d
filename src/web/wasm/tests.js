// Modules are written by hand: a few sections of bytes each. They are made while the top level is evaluated, as workerd wants it.
{
  const I32 = 0x7f;
  const I64 = 0x7e;
  const F64 = 0x7c;
  const FUNC = 0x70;
  const EXTERN = 0x6f;
  const number = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...number(n >>> 7)]);
  const text = (s) => [...number(s.length), ...new TextEncoder().encode(s)];
  const list = (items) => [...number(items.length), ...items.flat()];
  const section = (id, items) => [id, ...number(list(items).length), ...list(items)];
  const type = (takes, gives) => [0x60, ...list(takes.map((t) => [t])), ...list(gives.map((t) => [t]))];
  const body = (...code) => [...number(code.length + 2), 0, ...code, 0x0b];
  const bytesOf = (...sections) => new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, ...sections.flat()]);
  const make = (...sections) => new WebAssembly.Module(bytesOf(...sections));
  const custom = (name, data) => [0, ...number(text(name).length + data.length), ...text(name), ...data];

  // 0: calls JavaScript and adds 1; 1: grows memory by one page; 2: what was given; 3: two results; 4: endless recursion
  const mixed = make(
    section(1, [type([I32], [I32]), type([EXTERN], [EXTERN]), type([I64, F64], [F64, I64]), type([], [])]),
    section(2, [[...text("env"), ...text("f"), 0, 0]]),
    section(3, [[0], [0], [1], [2], [3]]),
    section(4, [[FUNC, 1, 2, 4]]),
    section(5, [[1, 1, 3]]),
    section(6, [[I32, 1, 0x41, 7, 0x0b]]),
    section(7, [
      [...text("call"), 0, 1],
      [...text("grow"), 0, 2],
      [...text("same"), 0, 3],
      [...text("swap"), 0, 4],
      [...text("deep"), 0, 5],
      [...text("f"), 0, 0],
      [...text("memory"), 2, 0],
      [...text("table"), 1, 0],
      [...text("global"), 3, 0],
      [...text("again"), 0, 1],
    ]),
    section(9, [[0, 0x41, 0, 0x0b, ...list([[1]])]]),
    section(10, [
      body(0x20, 0, 0x10, 0, 0x41, 1, 0x6a),
      body(0x20, 0, 0x40, 0),
      body(0x20, 0),
      body(0x20, 1, 0x20, 0),
      body(0x10, 5),
    ]),
    custom("note", [1, 2, 3]),
  );
  const instance = (f) => new WebAssembly.Instance(mixed, { env: { f } });

  // Calls its import when it starts.
  const starting = make(
    section(1, [type([], [])]),
    section(2, [[...text("env"), ...text("f"), 0, 0]]),
    [8, 1, 0],
  );

  // Keeps an externref in a table of its own, and reads the memory and the table of another.
  const keeping = make(
    section(1, [type([I32, EXTERN], []), type([I32], [EXTERN])]),
    section(3, [[0], [1]]),
    section(4, [[EXTERN, 0, 10]]),
    section(7, [
      [...text("keep"), 0, 0],
      [...text("kept"), 0, 1],
    ]),
    section(10, [body(0x20, 0, 0x20, 1, 0x26, 0), body(0x20, 0, 0x25, 0)]),
  );
  const sharing = make(
    section(1, [type([I32], [I32])]),
    section(2, [
      [...text("a"), ...text("memory"), 2, 1, 1, 3],
      [...text("a"), ...text("table"), 1, FUNC, 1, 2, 4],
      [...text("a"), ...text("call"), 0, 0],
    ]),
    section(3, [[0], [0]]),
    section(7, [
      [...text("read"), 0, 1],
      [...text("through"), 0, 2],
      [...text("call"), 0, 0],
    ]),
    section(10, [body(0x20, 0, 0x28, 2, 0), body(0x20, 0, 0x41, 0, 0x11, 0, 0)]),
  );
  const trapping = make(
    section(1, [type([I32], [I32])]),
    section(3, [[0], [0], [0]]),
    section(5, [[0, 1]]),
    section(7, [
      [...text("unreachable"), 0, 0],
      [...text("load"), 0, 1],
      [...text("divide"), 0, 2],
    ]),
    section(10, [body(0), body(0x20, 0, 0x28, 2, 0), body(0x41, 1, 0x20, 0, 0x6d)]),
  );

  test("what a module says of itself", () => {
    assert.deepEqual(WebAssembly.Module.imports(mixed), [{ module: "env", name: "f", kind: "function" }]);
    const names = WebAssembly.Module.exports(mixed).map(({ name, kind }) => `${name} ${kind}`);
    assert.equal(
      names.join(),
      "call function,grow function,same function,swap function,deep function,f function,memory memory,table table,global global,again function",
    );
    assert.deepEqual(WebAssembly.Module.exports(starting), []);
    assert.deepEqual(WebAssembly.Module.exports(keeping).length, 2);
    const [note] = WebAssembly.Module.customSections(mixed, "note");
    assert.deepEqual([...new Uint8Array(note)], [1, 2, 3]);
    assert.equal(WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])), true);
    assert.equal(WebAssembly.validate(new Uint8Array(2)), false);
  });

  test("exported functions", () => {
    const { exports } = instance((n) => n * 2);
    assert.equal(exports.call(20), 41);
    assert.equal(exports.call("3"), 7);
    assert.equal(exports.call.name, "1");
    assert.equal(exports.call.length, 1);
    assert.equal(exports.call === exports.again, true);
    assert.equal(exports.f(5), 10);
    assert.deepEqual(exports.swap(-1n, 0.5), [0.5, -1n]);
    assert.deepEqual(exports.swap(2n ** 64n + 3n, "1"), [1, 3n]);
    assert.throws(() => exports.swap(1, 1), TypeError, "Cannot convert 1 to a BigInt");
    assert.throws(() => new exports.call(), TypeError);
    assert.equal(Object.isFrozen(exports), true);
  });

  test("JavaScript is called, throws and calls back", () => {
    const seen = { mine: true };
    const nested = instance((n) => (n > 0 ? nested.exports.call(n - 1) : 100));
    assert.equal(nested.exports.call(5), 106);
    const throwing = instance(() => {
      throw seen;
    });
    let caught;
    try {
      throwing.exports.call(1);
    } catch (error) {
      caught = error;
    }
    assert.equal(caught === seen, true);
    assert.equal(instance(() => 1).exports.call(1), 2);
  });

  test("memory", () => {
    const { grow, memory } = instance(() => 0).exports;
    const first = memory.buffer;
    assert.equal(first === memory.buffer, true);
    assert.equal(first.byteLength, 65536);
    new Uint8Array(first)[3] = 9;
    assert.equal(grow(1), 1);
    assert.equal(first.byteLength, 0);
    assert.equal(memory.buffer.byteLength, 2 * 65536);
    assert.equal(new Uint8Array(memory.buffer)[3], 9);
    const second = memory.buffer;
    assert.equal(memory.grow(0), 2);
    assert.equal(second.byteLength, 0);
    assert.equal(memory.grow(1), 2);
    assert.throws(() => memory.grow(1), RangeError, "WebAssembly.Memory.grow(): Maximum memory size exceeded");
    assert.equal(grow(1), -1);
    assert.throws(() => memory.buffer.transfer(), TypeError, "ArrayBuffer is not detachable and could not be cloned.");
    assert.throws(() => memory.buffer.transfer(5), TypeError);
    assert.throws(() => structuredClone(memory.buffer, { transfer: [memory.buffer] }), DOMException);
    assert.equal(structuredClone(memory.buffer).byteLength, 3 * 65536);
  });

  test("memory grows while JavaScript is called", () => {
    const lengths = [];
    const { call, memory, grow } = instance(() => {
      const before = memory.buffer;
      grow(1);
      lengths.push(before.byteLength, memory.buffer.byteLength);
      return 0;
    }).exports;
    call(1);
    assert.deepEqual(lengths, [0, 131072]);
  });

  test("any value passes through, and a table keeps it", () => {
    const { same } = instance(() => 0).exports;
    const values = [{}, null, undefined, "text", 1.5, -0, 5n, Symbol.iterator, () => 1];
    for (const value of values) assert.equal(Object.is(same(value), value), true);
    const { keep, kept } = new WebAssembly.Instance(keeping).exports;
    keep(3, values[0]);
    for (let n = 0; n < 5000; n++) keep(4, { n });
    assert.equal(kept(3) === values[0], true);
    assert.equal(kept(4).n, 4999);
    assert.equal(kept(5), null);
  });

  test("instances share memory, tables and functions", () => {
    const one = instance((n) => n + 1).exports;
    const two = new WebAssembly.Instance(sharing, { a: one }).exports;
    new Int32Array(one.memory.buffer)[2] = 77;
    assert.equal(two.read(8), 77);
    assert.equal(two.through(1), 3);
    assert.equal(two.call === one.call, true);
    assert.equal(one.table.get(0) === one.call, true);
    one.table.set(0, two.read);
    assert.equal(two.through(8), 77);
    const separate = new WebAssembly.Instance(trapping).exports;
    one.table.set(1, separate.load);
    assert.equal(one.table.get(1) === separate.load, true);
    assert.equal(one.table.grow(1), 2);
    assert.equal(one.table.get(2), null);
  });

  test("globals", () => {
    const { global } = instance(() => 0).exports;
    assert.equal(global.value, 7);
    global.value = 2 ** 32 + 5;
    assert.equal(+global, 5);
    const made = new WebAssembly.Global({ value: "i64" }, 5n);
    assert.equal(made.value, 5n);
    assert.throws(() => (made.value = 6n), TypeError, "set WebAssembly.Global.value): Can't set the value of an immutable global.");
  });

  test("the start function runs", () => {
    let runs = 0;
    new WebAssembly.Instance(starting, { env: { f: () => runs++ } });
    assert.equal(runs, 1);
  });

  test("traps", () => {
    const { unreachable, load, divide } = new WebAssembly.Instance(trapping).exports;
    assert.throws(() => unreachable(0), WebAssembly.RuntimeError, "unreachable");
    assert.throws(() => load(65536), WebAssembly.RuntimeError, "memory access out of bounds");
    assert.throws(() => divide(0), WebAssembly.RuntimeError, "divide by zero");
    const { deep } = instance(() => 0).exports;
    assert.throws(() => deep(), RangeError, "Maximum call stack size exceeded");
    assert.equal(instance((n) => n).exports.call(1), 2);
  });

  test("imports are checked", () => {
    const start = 'WebAssembly.Instance(): Import #0 "env"';
    assert.throws(() => new WebAssembly.Instance(mixed, {}), TypeError, `${start}: module is not an object or function`);
    assert.throws(() => instance(5), WebAssembly.LinkError, `${start} "f": function import requires a callable`);
  });

  test("instantiate gives an instance", async () => {
    const made = await WebAssembly.instantiate(mixed, { env: { f: () => 1 } });
    assert.equal(made instanceof WebAssembly.Instance, true);
    assert.equal(made.exports.call(0), 2);
  });

  test("nothing of it is cloned", () => {
    assert.throws(() => structuredClone([mixed]), "Error", "Unable to deserialize cloned data.");
    const memory = new WebAssembly.Memory({ initial: 1 });
    assert.throws(() => structuredClone({ memory }), "DataCloneError", "#<Memory> could not be cloned.");
  });
}
