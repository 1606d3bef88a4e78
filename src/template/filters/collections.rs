//! The pairs that `groupby` makes.

use crate::template::engine::val::{Object, Val};
use crate::template::error::Res;

pub struct Group {
    pub key: Val,
    pub members: Val,
}

impl Object for Group {
    fn type_name(&self) -> &'static str {
        "GroupTuple"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        match name {
            "grouper" => Some(self.key.clone()),
            "list" => Some(self.members.clone()),
            _ => None,
        }
    }

    fn items(&self) -> Option<Res<Vec<Val>>> {
        Some(Ok(vec![self.key.clone(), self.members.clone()]))
    }

    fn length(&self) -> Option<usize> {
        Some(2)
    }

    fn as_data(&self) -> Option<Val> {
        Some(Val::tuple(vec![self.key.clone(), self.members.clone()]))
    }

    fn text(&self) -> String {
        let pair = Val::tuple(vec![self.key.clone(), self.members.clone()]);
        crate::template::engine::print::repr(&pair).unwrap_or_default()
    }
}
