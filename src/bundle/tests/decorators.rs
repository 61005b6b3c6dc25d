//! TC39 decorators and `accessor`: lowered, run, and reported at the user's own line.

use rolldown::ModuleType;

use super::*;
use crate::bundle::SourceMaps;
use crate::bundle::decorators::{Language, has_decorators};

/// Every kind of decorator, with what it is told; the answers are those of esbuild 0.28 and V8, recorded once.
const EVERY_KIND: &str = r#"
const log: string[] = [];
type Context = DecoratorContext & { name?: string | symbol; private?: boolean; static?: boolean };
const note = (label: string) => (value: unknown, context: Context) => {
    const flags = [context.static && 'static', context.private && 'private'].filter(Boolean).join(' ');
    log.push(`${label}: ${context.kind} ${String(context.name)} ${typeof value} ${flags}`.trim());
    context.addInitializer(function (this: any) {
        log.push(`init ${label} ${typeof this}`);
    });
};
const double = (method: (n: number) => number, _: ClassMethodDecoratorContext) =>
    function (this: unknown, n: number) { return method.call(this, n) * 2; };
const plusOne = (_: undefined, __: ClassFieldDecoratorContext) => (initial: number) => initial + 1;
const upper = (get: () => string, _: ClassGetterDecoratorContext) =>
    function (this: unknown) { return get.call(this).toUpperCase(); };
const clamp = (target: ClassAccessorDecoratorTarget<unknown, number>, _: ClassAccessorDecoratorContext) => ({
    get(this: unknown) { return target.get.call(this); },
    set(this: unknown, value: number) { target.set.call(this, Math.min(value, 10)); },
    init(value: number) { return value + 100; },
});
const seal = <T extends new (...args: any[]) => object>(Base: T, context: ClassDecoratorContext) => {
    log.push(`seal ${String(context.name)}`);
    return class extends Base { sealed = true; } as T;
};

interface Shape { area(): number }
abstract class Base<T> { constructor(protected readonly base: T) {} abstract kind(): string }

@seal @note('class')
class Everything<T = string> extends Base<T> implements Shape {
    declare absent: string;
    static { log.push('static block'); }
    @note('field') @plusOne field: number = 1;
    @note('private field') #hidden = 'h' as const;
    @note('static field') static shared: number = 3;
    @note('accessor') @clamp accessor limited = 1;
    @note('static accessor') static accessor count = 7;
    accessor plain: number | undefined = 5;
    constructor(base: T, private size?: number) { super(base); }
    @note('method') @double twice(n: number): number { return n; }
    @note('private method') #secret(): string { return this.#hidden; }
    @note('static method') static make(this: void): string { return 'made'; }
    @note('getter') @upper get title(): string { return 'title'; }
    @note('setter') set title(value: string) { log.push(`set ${value}`); }
    @note('computed') ['com' + 'puted']!: number;
    area(): number { return (this.size ?? 2) * this.twice(3); }
    kind() { return this.#secret() + this.base; }
    get own() { return Object.keys(this).sort(); }
}
const it = new Everything('b');
it.title = 'x';
it.limited = 50;
it.plain = 6;
const Expression = @note('expression') class Named { @note('inner') value = 1; };
new Expression();
globalThis.result = [
    it.area(), it.kind(), it.title, it.limited, new Everything('c').limited, it.plain, it.field, (it as any).sealed,
    Everything.shared, Everything.count, Everything.make(), it.own, log,
];
"#;

#[test]
fn every_kind_of_decorator_runs_as_it_should() {
    let result = run_files(&[("src/index.ts", EVERY_KIND)]);
    assert_eq!(result, include_str!("decorators.expected.json").trim_end());
}

#[test]
fn javascript_jsx_and_exported_classes_are_lowered_too() {
    let result = run_files(&[
        (
            "src/index.ts",
            "import Default, { Before, After, React } from './classes.js';\n\
             globalThis.result = [Default.mark, Before.mark, After.mark, React.mark, new After().view];",
        ),
        (
            "src/classes.js",
            "const mark = (value, { name }) => { value.mark = `marked ${name}`; };\n\
             export const React = class { static createElement(tag) { return tag; } };\n\
             export @mark class Before {}\n\
             @mark export class After { accessor view = <p/>; }\n\
             export default @mark class Named {}\n",
        ),
    ]);
    assert_eq!(result, r#"["marked Named","marked Before","marked After",null,"p"]"#);
}

#[test]
fn metadata_is_shared_along_the_chain_of_classes() {
    let result = run_files(&[(
        "src/index.ts",
        "(Symbol as { metadata?: symbol }).metadata ??= Symbol('Symbol.metadata');\n\
         const tag = (text: string) => (_: unknown, context: DecoratorContext) => {\n\
             ((context.metadata.tags ??= []) as string[]).push(`${String(context.name)} ${text}`);\n\
         };\n\
         class A { @tag('one') a = 1; @tag('two') b() {} }\n\
         globalThis.result = (A as any)[Symbol.metadata];",
    )]);
    assert_eq!(result, r#"{"tags":["b two","a one"]}"#);
}

/// A file whose lowered text is shifted by helpers, and that fails in a decorated method.
const FAILING: &str = "// ü\n\
    const log = (method: Function, _: ClassMethodDecoratorContext) => method as any;\n\
    export class A {\n  @log\n  method(): never {\n    throw new Error('here');\n  }\n}\n\
    globalThis.result = new A();";

#[test]
fn places_lead_to_the_users_own_lines() {
    let bundle = TestProject::new(&[("src/index.ts", FAILING)]).build();
    let at = |word: &str| {
        let (line, text) = code(&bundle).lines().enumerate().find(|(_, text)| text.contains(word)).unwrap();
        (line as u32 + 1, text.find(word).unwrap() as u32 + 1)
    };
    let (line, column) = at("throw new Error(\"here\")");
    let found = SourceMaps::new(&bundle).lookup("index.js", line, column).unwrap();
    assert_eq!((found.path.as_str(), found.line, found.column), ("src/index.ts", 6, 5));
}

#[test]
fn mistakes_in_a_decorated_file_have_their_own_place() {
    for (added, expected) in [
        (
            "import { x } from './gone'; globalThis.y = x;",
            "src/index.ts:10:19: cannot find `./gone` (bundle/unresolved-import) ['./gone'|]",
        ),
        (
            "import { valeu } from './there'; globalThis.y = valeu;",
            "src/index.ts:10:10: `src/there.ts` does not export `valeu` (bundle/missing-export) [valeu|] -> did you mean `value`?",
        ),
        ("const x = ;", "src/index.ts:10:11: unexpected token (bundle/syntax) [;|]"),
        ("class B { @log accessor = }", "src/index.ts:10:27: unexpected token (bundle/syntax) [}|]"),
    ] {
        let text = format!("{FAILING}\n{added}");
        let files = [("src/index.ts", text.as_str()), ("src/there.ts", "export const value = 1;")];
        let failure = TestProject::new(&files).fail(&[]);
        assert_eq!(shown(&failure.diagnostics), expected);
    }
}

#[test]
fn an_edit_adds_and_removes_decorators() {
    let plain = "export class A { x = 1 }";
    let mut project = TestProject::new(&[
        ("src/index.ts", "import { A } from './a'; globalThis.result = Object.keys(new A());"),
        ("src/a.ts", plain),
    ]);
    assert_eq!(run(&project.build()), r#"["x"]"#);
    for (text, expected) in [
        ("export class A { accessor x = 1 }", "[]"),
        (plain, r#"["x"]"#),
        ("export class A { accessor x = 2; y = 1 }", r#"["y"]"#),
    ] {
        let a = project.write("src/a.ts", text);
        assert_eq!(run(&project.rebuild(&[a])), expected, "{text}");
    }
}

#[test]
fn only_the_files_that_need_it_are_lowered() {
    let language = Language::of(&ModuleType::Ts).unwrap();
    for (text, expected) in [
        ("@d class A {}", true),
        ("class A { accessor x = 1 }", true),
        ("export default class { method(@d x) {} }", true),
        ("const accessor = 'a@b'; // @decorated", false),
        ("class A { accessor = 1; accessor2 = '@' }", false),
        ("@d class A { x = ; }", false),
    ] {
        assert_eq!(has_decorators(text, language), expected, "{text}");
    }
    assert_eq!(Language::of(&ModuleType::Json), None);
}
