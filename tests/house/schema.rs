//! Our `.proto` files, read just far enough for the rules: RPCs with what stands in their braces, messages with their fields.
//!
//! buf checks the grammar and the style; this reads what buf's rules do not know.

use crate::tree::Source;

pub struct Rpc {
    pub line: usize,
    pub name: String,
    pub request: String,
    pub response: String,
    /// The names of its options, without parentheses.
    pub options: Vec<String>,
}

pub struct Message {
    pub name: String,
    pub fields: Vec<String>,
}

#[derive(Default)]
pub struct Schema {
    pub rpcs: Vec<Rpc>,
    pub messages: Vec<Message>,
}

impl Schema {
    pub fn read(source: &Source) -> Self {
        let tokens = tokens(&source.text);
        let mut schema = Self::default();
        let word = |index: usize| tokens.get(index).map_or("", |(_, token)| token.as_str());
        for (index, (line, token)) in tokens.iter().enumerate() {
            match token.as_str() {
                // rpc Name ( [stream] Request ) returns ( [stream] Response ) { … } or ;
                "rpc" if word(index + 2) == "(" => {
                    let types = tokens.iter().skip(index + 3).map(|(_, token)| token.as_str());
                    let mut types = types.filter(|token| !matches!(*token, "(" | ")" | "stream" | "returns"));
                    let request = types.next().unwrap_or_default().to_owned();
                    let response = types.next().unwrap_or_default().to_owned();
                    let open = (index..tokens.len())
                        .find(|index| matches!(word(*index), "{" | ";"))
                        .unwrap_or(index);
                    let close = closing(&tokens, open);
                    let named =
                        (open..close).filter(|index| word(*index) == "option" && word(*index + 1) == "(");
                    let options = named.map(|index| word(index + 2).to_owned()).collect();
                    schema.rpcs.push(Rpc {
                        line: *line,
                        name: word(index + 1).to_owned(),
                        request,
                        response,
                        options,
                    });
                }
                "message" if word(index + 2) == "{" => {
                    let close = closing(&tokens, index + 2);
                    // A field is `name = number`; the fields of a nested message count as the outer's too, which no rule minds.
                    let numbered = |index: &usize| {
                        word(index + 1) == "=" && word(index + 2).chars().all(|digit| digit.is_ascii_digit())
                    };
                    let fields =
                        (index + 3..close).filter(numbered).map(|index| word(index).to_owned()).collect();
                    schema.messages.push(Message { name: word(index + 1).to_owned(), fields });
                }
                _ => {}
            }
        }
        schema
    }

    pub fn fields_of(&self, message: &str) -> &[String] {
        self.messages
            .iter()
            .find(|other| other.name == message)
            .map_or(&[], |message| message.fields.as_slice())
    }
}

/// The index of the brace that closes the one at `open`; `open` itself when there is none there.
fn closing(tokens: &[(usize, String)], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, (_, token)) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

/// Words (dots included) and signs, each with its line, without comments.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        let mut word = String::new();
        for letter in code.chars().chain([' ']) {
            if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.') {
                word.push(letter);
                continue;
            }
            if !word.is_empty() {
                found.push((index + 1, std::mem::take(&mut word)));
            }
            if !letter.is_whitespace() {
                found.push((index + 1, letter.to_string()));
            }
        }
    }
    found
}

#[test]
fn rpcs_and_messages_are_read() {
    let text = "service S {\n  // rpc Not(A) returns (B);\n  rpc GetA(GetARequest) returns (stream GetAResponse) {\n    option (x.y) = { any_of: [R] };\n  }\n  rpc B(BRequest) returns (BResponse);\n}\nmessage BRequest {\n  repeated string a = 1;\n  oneof c { int32 d = 2; }\n}\n";
    let schema = Schema::read(&Source { path: "a.proto".to_owned(), text: text.to_owned() });
    let names: Vec<_> = schema
        .rpcs
        .iter()
        .map(|rpc| (rpc.line, rpc.name.as_str(), rpc.response.as_str(), rpc.options.len()))
        .collect();
    assert_eq!(names, [(3, "GetA", "GetAResponse", 1), (6, "B", "BResponse", 0)]);
    assert_eq!(schema.fields_of("BRequest"), ["a", "d"]);
}
