//! Where machine code calls a function whose address it keeps in registers, as code of the large model does: one load of the
//! address may serve many calls, anywhere further on.

use std::collections::HashMap;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};

/// Registers that hold the function's address, a bit each.
type Held = u16;

/// What a call leaves undefined: rax, rcx, rdx, rsi, rdi and r8 to r11.
const CLOBBERED: Held = 0b0000_1111_1100_0111;

/// Whether the operand at this address, which has this value, stands for the function.
pub(super) type IsFunction<'a> = &'a dyn Fn(u64, u64) -> bool;

/// Addresses behind calls of the function in the code of another, which begins at `base`.
pub(super) fn returns(base: u64, code: &[u8], is_function: IsFunction<'_>) -> Vec<u64> {
    let flow = Flow::read(base, code, is_function);
    let held = flow.held();
    let calls = flow.steps.iter().zip(held);
    let calls = calls.filter(|(step, held)| step.calls_it || held & step.through != 0);
    calls.map(|(step, _)| step.next).collect()
}

/// What one instruction does.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// The address behind it.
    next: u64,
    /// Registers that do not hold the function's address any more.
    loses: Held,
    /// Registers that hold it from now on.
    gains: Held,
    /// A register and the one that it is copied to.
    copies: Option<(Held, Held)>,
    /// The register through which it calls.
    through: Held,
    /// It calls the function without a register.
    calls_it: bool,
    falls_through: bool,
    jumps_to: Option<u64>,
    jumps_anywhere: bool,
}

impl Step {
    fn of(
        one: &Instruction,
        at: u64,
        info: &mut InstructionInfoFactory,
        is_function: IsFunction<'_>,
    ) -> Step {
        let flow = one.flow_control();
        let calls = matches!(flow, FlowControl::Call | FlowControl::IndirectCall);
        let written = info.info(one).used_registers().iter();
        let written = written.filter(|used| is_written(used.access()));
        let written = written.fold(0, |all, used| all | bit(used.register()));
        let is_move = one.mnemonic() == Mnemonic::Mov && one.op0_kind() == OpKind::Register;
        let loads =
            is_move && one.op1_kind() == OpKind::Immediate64 && is_function(at, one.immediate64());
        let copies = is_move && one.op1_kind() == OpKind::Register && one.op1_register().is_gpr64();
        let near = one.is_call_near() && is_function(at, one.near_branch_target());
        let branches = matches!(
            flow,
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
        );
        let through = flow == FlowControl::IndirectCall && one.op0_kind() == OpKind::Register;
        Step {
            next: one.next_ip(),
            loses: written | if calls { CLOBBERED } else { 0 },
            gains: if loads { bit(one.op0_register()) } else { 0 },
            copies: copies.then(|| (bit(one.op1_register()), bit(one.op0_register()))),
            through: if through { bit(one.op0_register()) } else { 0 },
            calls_it: near,
            falls_through: falls_through(flow),
            jumps_to: branches.then(|| one.near_branch_target()),
            jumps_anywhere: flow == FlowControl::IndirectBranch,
        }
    }

    /// What registers hold behind the instruction, from what they hold before it.
    fn after(&self, held: Held) -> Held {
        let copied = self.copies.filter(|(from, _)| held & from != 0);
        (held & !self.loses) | self.gains | copied.map_or(0, |(_, to)| to)
    }
}

fn is_written(access: OpAccess) -> bool {
    !matches!(
        access,
        OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
    )
}

fn falls_through(flow: FlowControl) -> bool {
    !matches!(
        flow,
        FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Return
            | FlowControl::Exception
    )
}

/// The bit of a general register, whatever part of it is meant.
fn bit(register: Register) -> Held {
    let full = register.full_register();
    match full.is_gpr64() {
        true => 1 << (full as u32 - Register::RAX as u32),
        false => 0,
    }
}

/// The instructions of a function.
struct Flow {
    steps: Vec<Step>,
    /// Which of them stands at an address.
    at: HashMap<u64, usize>,
}

impl Flow {
    fn read(base: u64, code: &[u8], is_function: IsFunction<'_>) -> Flow {
        let mut info = InstructionInfoFactory::new();
        let mut decoder = Decoder::with_ip(64, code, base, DecoderOptions::NONE);
        let (mut steps, mut at) = (Vec::new(), HashMap::new());
        while decoder.can_decode() {
            let one = decoder.decode();
            let offset = decoder.get_constant_offsets(&one).immediate_offset() as u64;
            at.insert(one.ip(), steps.len());
            steps.push(Step::of(&one, one.ip() + offset, &mut info, is_function));
        }
        Flow { steps, at }
    }

    /// What registers hold before each instruction, on any way to it. Of what only a jump through memory leads to, any such
    /// jump is taken to be the way.
    fn held(&self) -> Vec<Held> {
        let mut held: Vec<Option<Held>> = vec![None; self.steps.len()];
        let mut anywhere = 0;
        let mut begin = Some(0);
        while let Some(first) = begin.filter(|first| *first < self.steps.len()) {
            self.spread(first, anywhere, &mut held);
            for (step, held) in self.steps.iter().zip(&held) {
                if step.jumps_anywhere {
                    anywhere |= held.map_or(0, |held| step.after(held));
                }
            }
            begin = held.iter().position(Option::is_none);
        }
        held.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// Follows the code from one instruction.
    fn spread(&self, first: usize, with: Held, held: &mut [Option<Held>]) {
        let mut open = vec![(first, with)];
        while let Some((index, with)) = open.pop() {
            let known = held[index];
            let all = known.unwrap_or(0) | with;
            if known == Some(all) {
                continue;
            }
            held[index] = Some(all);
            let step = &self.steps[index];
            let next = step.falls_through.then_some(step.next);
            let ways = [next, step.jumps_to].into_iter().flatten();
            let ways = ways.filter_map(|address| self.at.get(&address));
            open.extend(ways.map(|way| (*way, step.after(all))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOK: u64 = 0x6000_1234;
    /// `movabs $HOOK, %r12`
    const LOAD: [u8; 10] = [0x49, 0xbc, 0x34, 0x12, 0, 0x60, 0, 0, 0, 0];
    /// `call *%r12`
    const CALL: [u8; 3] = [0x41, 0xff, 0xd4];
    /// `pop %r12`
    const POP: [u8; 2] = [0x41, 0x5c];
    const RET: [u8; 1] = [0xc3];

    fn found(parts: &[&[u8]]) -> Vec<u64> {
        returns(0x1000, &parts.concat(), &|_, value| value == HOOK)
    }

    #[test]
    fn one_load_serves_many_calls() {
        assert_eq!(found(&[&LOAD, &CALL, &CALL]), [0x100d, 0x1010]);
        assert!(found(&[&CALL]).is_empty());
        // `mov %r12, %rbx` and `call *%rbx`
        let (copy, call) = ([0x4c, 0x89, 0xe3], [0xff, 0xd3]);
        assert_eq!(found(&[&LOAD, &copy, &POP, &call]), [0x1011]);
    }

    #[test]
    fn a_register_that_is_restored_holds_it_no_longer() {
        assert!(found(&[&LOAD, &POP, &CALL]).is_empty());
        // rax does not outlive a call: `movabs $HOOK, %rax` and `call *%rax` twice
        let mut load = LOAD;
        (load[0], load[1]) = (0x48, 0xb8);
        assert_eq!(found(&[&load, &[0xff, 0xd0], &[0xff, 0xd0]]), [0x100c]);
    }

    #[test]
    fn code_behind_the_end_is_reached_by_a_jump() {
        // `je` to behind the return, where the register still holds what it held before the jump.
        let jump = [0x74, 0x03];
        assert_eq!(found(&[&LOAD, &jump, &POP, &RET, &CALL]), [0x1012]);
        // `jmp *%rax`: it may lead there.
        assert_eq!(found(&[&LOAD, &[0xff, 0xe0], &CALL]), [0x100f]);
    }

    #[test]
    fn a_near_call_needs_no_register() {
        // `call` of what stands 0x100 behind it
        let code = [0xe8, 0, 1, 0, 0];
        assert_eq!(
            returns(0x1000, &code, &|_, value| value == 0x1105),
            [0x1005]
        );
        assert_eq!(returns(0x1000, &code, &|at, _| at == 0x1001), [0x1005]);
    }
}
