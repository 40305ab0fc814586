//! Controls: which of them a node of the double has, and what is made of a value.
//!
//! C sources: `v4l2-ctrls-api.c`, `v4l2-ctrls-core.c`; the double's `controls.rs`

use std::collections::BTreeMap;

use program::Control;

use crate::answer::{Guess, Told, fails, ok};
use crate::device::Device;
use crate::errno::{EACCES, EINVAL, ERANGE};

/// Values of controls, as far as they are known.
pub(crate) type Values = BTreeMap<Control, Option<i32>>;

/// `enum v4l2_ctrl_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Integer = 1,
    Boolean = 2,
    Menu = 3,
    /// It has no value, and can only be written.
    Button = 4,
}

/// `struct v4l2_ctrl`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    kind: Type,
    least: i32,
    most: i32,
    first: i32,
    read_only: bool,
}

const SWITCH: Rules = Rules::new(Type::Boolean, 0, 1, 0);
const PROFILE: Rules = Rules::new(Type::Menu, 0, 4, 2);
const LEVEL: Rules = Rules::new(Type::Menu, 0, 15, 11);
const READ_ONLY: Rules = Rules {
    read_only: true,
    ..Rules::new(Type::Integer, 1, 1, 1)
};

impl Rules {
    const fn new(kind: Type, least: i32, most: i32, first: i32) -> Self {
        Self {
            kind,
            least,
            most,
            first,
            read_only: false,
        }
    }

    /// Of a control of this device; none if it lacks it.
    fn of(device: Device, control: Control) -> Option<Self> {
        match device {
            Device::Decoder { multi } => of_decoder(multi, control),
            Device::Encoder { .. } => of_encoder(control),
            Device::Converter { .. } => {
                matches!(control, Control::Hflip | Control::Vflip).then_some(SWITCH)
            }
            Device::Other(_) => None,
        }
    }

    /// What `std_validate_elem()` makes of a value.
    fn fit(&self, value: i32) -> Option<i32> {
        let in_range = (self.least..=self.most).contains(&value);
        match self.kind {
            Type::Integer => Some(value.clamp(self.least, self.most)),
            Type::Boolean => Some(i32::from(value != 0)),
            Type::Menu => in_range.then_some(value),
            Type::Button => Some(0),
        }
    }
}

/// The decoder whose streams are of the double's own format does not say how many buffers it needs.
fn of_decoder(multi: bool, control: Control) -> Option<Rules> {
    match control {
        Control::Profile => Some(PROFILE),
        Control::Level => Some(LEVEL),
        Control::MinCapture => multi.then_some(READ_ONLY),
        _ => None,
    }
}

fn of_encoder(control: Control) -> Option<Rules> {
    Some(match control {
        Control::Bitrate => Rules::new(Type::Integer, 8_000, i32::MAX, i32::MAX),
        Control::Gop => Rules::new(Type::Integer, 0, 1 << 16, 12),
        Control::Bframes => Rules::new(Type::Integer, 0, 0, 0),
        Control::KeyFrame => Rules::new(Type::Button, 0, 0, 0),
        Control::HeaderMode => Rules::new(Type::Menu, 0, 1, 1),
        Control::Profile => PROFILE,
        Control::Level => LEVEL,
        Control::MinOutput => READ_ONLY,
        Control::Hflip | Control::Vflip | Control::MinCapture | Control::Contrast => return None,
    })
}

/// The values that the controls of a file have at first.
pub(crate) fn first_values(device: Device) -> Values {
    let rules = |control: &Control| Some((*control, Some(Rules::of(device, *control)?.first)));
    Control::ALL.iter().filter_map(rules).collect()
}

fn found(device: Device, control: Control) -> Result<Rules, Guess> {
    let lacking = fails(EINVAL, "find_ref_lock() finds no such control");
    Rules::of(device, control).ok_or(lacking)
}

/// QUERY_EXT_CTRL
pub(crate) fn query(device: Device, control: Control) -> Guess {
    let rules = match found(device, control) {
        Ok(rules) => rules,
        Err(refused) => return refused,
    };
    let [least, most, first] = [rules.least, rules.most, rules.first].map(i64::from);
    ok(
        Told::Control(rules.kind as u32, [least, most, first]),
        "v4l2_query_ext_ctrl() tells its range",
    )
}

/// G_EXT_CTRLS of these values.
pub(crate) fn get(device: Device, control: Control, values: &Values) -> Guess {
    match found(device, control) {
        Err(refused) => refused,
        Ok(rules) if rules.kind == Type::Button => fails(
            EACCES,
            "v4l2_g_ext_ctrls_common(): a button can only be pushed",
        ),
        Ok(_) => ok(
            Told::Value(values.get(&control).copied().flatten()),
            "v4l2_g_ext_ctrls_common() copies the value",
        ),
    }
}

/// S_EXT_CTRLS and TRY_EXT_CTRLS, wherever the value goes.
pub(crate) fn set(device: Device, control: Control, value: u32) -> Guess {
    let rules = match found(device, control) {
        Ok(rules) => rules,
        Err(refused) => return refused,
    };
    if rules.read_only {
        return fails(EACCES, "validate_ctrls(): the control can only be read");
    }
    // Numbers of programs have no sign, those of controls have the same bits.
    match rules.fit(value as i32) {
        Some(value) => ok(
            Told::Value(Some(value)),
            "std_validate_elem() makes the value fit",
        ),
        None => fails(ERANGE, "std_validate_elem(): the menu has no such item"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENCODER: Device = Device::Encoder { multi: false };

    #[test]
    fn a_number_is_made_to_fit_and_an_item_is_not() {
        let set = |control, value| set(ENCODER, control, value).answer;
        let told = |value| ok(Told::Value(Some(value)), "").answer;
        assert_eq!(set(Control::Bitrate, 100), told(8_000));
        assert_eq!(set(Control::Gop, u32::MAX), told(0));
        assert_eq!(set(Control::KeyFrame, 7), told(0));
        assert_eq!(set(Control::HeaderMode, 2), fails(ERANGE, "").answer);
        assert_eq!(set(Control::MinOutput, 1), fails(EACCES, "").answer);
        assert_eq!(set(Control::Contrast, 1), fails(EINVAL, "").answer);
    }

    #[test]
    fn a_file_begins_with_the_first_values_of_its_own_controls() {
        let values = first_values(Device::Converter { multi: true });
        let both = [(Control::Hflip, Some(0)), (Control::Vflip, Some(0))];
        assert_eq!(values, Values::from(both));
        assert_eq!(first_values(ENCODER)[&Control::Bitrate], Some(i32::MAX));
        assert!(!first_values(Device::Decoder { multi: false }).contains_key(&Control::MinCapture));
    }
}
