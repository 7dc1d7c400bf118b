//! The templates and the stylesheet, compiled in. Whatever stands between the lines of a template
//! is escaped for HTML, which is enough for XML too; only our own stylesheet is not.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::Error;

/// The stylesheet, as it stands in every page: the policy names its hash.
pub const STYLE: &str = include_str!("templates/page.css");
const TEMPLATES: [(&str, &str); 5] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("page.html", include_str!("templates/page.html")),
    ("frame.html", include_str!("templates/frame.html")),
    ("excuse.html", include_str!("templates/excuse.html")),
    ("alerts.atom", include_str!("templates/alerts.atom")),
];

/// The compiled templates.
pub struct Layouts {
    environment: Environment<'static>,
}

impl Layouts {
    /// Compiles every template.
    pub fn new() -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment })
    }

    /// One document.
    pub fn write(&self, name: &'static str, content: impl Serialize) -> Result<String, Error> {
        Ok(self.environment.get_template(name)?.render(Serde(content))?)
    }
}
