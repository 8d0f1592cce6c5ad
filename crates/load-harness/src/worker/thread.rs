//! A worker: one thread, one runtime, its share of the subscribers. Workers share nothing while a trial runs;
//! their findings are merged when it has ended.

use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Release},
        },
    },
    thread,
    time::Duration,
};

use contract::{Delivery, Pattern, SetUp, Settings, TimeHistogram, TraceEvent};
use schedule::{EpochClock, Schedule, bind_to_core};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::watch,
    task::JoinSet,
    time::{sleep, sleep_until},
};

use crate::{
    connections::{
        ledger::{Readings, Totals},
        tls::TlsClient,
    },
    data::{
        recorder::Recorder,
        server_protocol::ServerProtocol,
        started::Started,
        trace::{Trace, TraceWindow, traced_subscriber},
    },
    subscribers::{
        self,
        error_counts::ErrorCounts,
        subscriber::Subscriber,
        worker_context::{WorkerContext, add_set_up},
    },
    worker::stalls,
};

/// How often a worker checks whether it is done, and reports its progress.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The trial ends when no byte has moved for this long: by then even the request on a connection that was just
/// being opened has reached the server.
const LAST_WORDS: Duration = Duration::from_millis(20);
/// Most of these waits, on loopback and behind a network.
const MOST_LOOKS: u32 = 100;
const MOST_LOOKS_BEHIND_NETWORK: u32 = 10;

/// The task of a worker.
pub(crate) struct WorkerOrder {
    pub(crate) target: SocketAddr,
    pub(crate) tcp_maxseg: u32,
    pub(crate) pattern: Pattern,
    pub(crate) settings: Settings,
    pub(crate) poll_phase: f64,
    pub(crate) clock: EpochClock,
    pub(crate) protocol: ServerProtocol,
    pub(crate) tls: Option<TlsClient>,
    /// Numbers of its subscribers.
    pub(crate) indices: Vec<u32>,
    pub(crate) core: Option<u32>,
    pub(crate) schedule: Arc<Schedule>,
    /// The part of the schedule that is kept of the traced subscriber, if it is on this worker.
    pub(crate) traced: TraceWindow,
    pub(crate) signals: Signals,
    pub(crate) gauge: Arc<Gauge>,
}

/// Signals from the runner to its workers.
#[derive(Clone)]
pub(crate) struct Signals {
    pub(crate) started: watch::Receiver<Option<Started>>,
    /// Subscribers that may connect: those with a lower number.
    pub(crate) admitted: watch::Receiver<u32>,
    /// The runner has read the server's counters at the end of the window: sockets may be closed.
    pub(crate) window_read: watch::Receiver<bool>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// The progress of the workers, for the runner. Written every few milliseconds, not during a delivery.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    connected: AtomicU64,
    turned_away: AtomicU64,
    is_hopeless: AtomicBool,
    last_error: Mutex<Option<String>>,
}

impl Gauge {
    pub(crate) fn connected(&self) -> u64 {
        self.connected.load(Acquire)
    }

    /// Subscribers that were never set up and will not retry.
    pub(crate) fn turned_away(&self) -> u64 {
        self.turned_away.load(Acquire)
    }

    /// Whether a subscriber met an error that every subscriber meets in every attempt.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.is_hopeless.load(Acquire)
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().ok().and_then(|error| error.clone())
    }
}

/// The findings of a worker.
#[derive(Debug, Default)]
pub(crate) struct WorkerFinding {
    pub(crate) recorder: Recorder,
    pub(crate) connect: TimeHistogram,
    pub(crate) readings: Readings,
    pub(crate) delivery: Delivery,
    pub(crate) set_up: Option<SetUp>,
    /// Stalls of its event loop in the window.
    pub(crate) stalls: TimeHistogram,
    /// The trace of the traced subscriber; empty on the other workers.
    pub(crate) trace: Vec<TraceEvent>,
    /// Subscribers that were never set up.
    pub(crate) never_connected: u64,
    pub(crate) error_counts: ErrorCounts,
    /// From losing a connection to the first answer on the next one.
    pub(crate) recovery: TimeHistogram,
}

impl WorkerFinding {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.recorder.merge(&other.recorder);
        self.connect.merge(&other.connect);
        self.stalls.merge(&other.stalls);
        self.trace.extend(&other.trace);
        self.error_counts.merge(&other.error_counts);
        self.recovery.merge(&other.recovery);
        self.readings.merge(&other.readings);
        self.never_connected += other.never_connected;
        self.set_up = match (self.set_up, other.set_up) {
            (Some(mine), Some(theirs)) => Some(add_set_up(mine, theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.delivery.expected += other.delivery.expected;
        self.delivery.received += other.delivery.received;
        self.delivery.lost += other.delivery.lost;
        self.delivery.duplicated += other.delivery.duplicated;
        self.delivery.reordered += other.delivery.reordered;
        self.delivery.foreign += other.delivery.foreign;
    }
}

/// Starts a worker's thread.
///
/// # Errors
/// If the system refuses the thread.
pub(crate) fn spawn(order: WorkerOrder) -> io::Result<thread::JoinHandle<io::Result<WorkerFinding>>> {
    thread::Builder::new().name("worker".to_owned()).spawn(move || {
        if let Some(core) = order.core {
            bind_to_core(core);
        }
        // A local runtime wakes a task through one queue less than a `LocalSet` in another runtime.
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        Ok(runtime.block_on(work(order)))
    })
}

async fn work(order: WorkerOrder) -> WorkerFinding {
    let WorkerOrder { signals, gauge, schedule, .. } = &order;
    let context = WorkerContext::new(
        order.target,
        order.tcp_maxseg,
        (order.pattern, order.settings.clone()),
        order.poll_phase,
        order.clock,
        signals.started.clone(),
        (order.protocol.clone(), Arc::clone(schedule)),
    );
    let context = Rc::new(context.encrypted(order.tls.clone()));
    let (subscribers, tasks) = (RefCell::default(), RefCell::new(JoinSet::new()));
    let mut readings = Readings::default();
    let stalls = RefCell::default();
    let mut stop = signals.stop.clone();
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = tell(&context, gauge) => {}
        () = admit_all(&order, &context, &subscribers, &tasks) => {}
        () = watch_stalls(&context, &stalls) => {}
        () = measure(&context, &subscribers, signals, &mut readings) => {}
    }
    let subscribers = subscribers.into_inner();
    let ended_ns = order.clock.now_ns();
    tasks.into_inner().shutdown().await;
    all_closed(&context).await;
    // What was left on the connections is known only after they have closed.
    readings.end = totals(&context, &subscribers);

    let start_ns = context.started.borrow().map_or(0, |started| started.start_ns);
    let trace: Vec<TraceEvent> =
        subscribers.iter().flat_map(|subscriber| subscriber.traced_from(start_ns)).collect();
    let delivery = settle(&context, &subscribers, schedule, ended_ns);
    WorkerFinding {
        recorder: context.recorder.take(),
        connect: context.connect.take(),
        readings,
        delivery,
        set_up: Some(context.set_up.get()),
        stalls: stalls.take(),
        trace,
        never_connected: subscribers.iter().filter(|subscriber| !subscriber.is_set_up()).count() as u64,
        error_counts: context.error_counts.take(),
        recovery: context.recovery.take(),
    }
}

/// Starts the worker's subscribers that are admitted. The others get no memory yet, because memory is read
/// between memory steps.
async fn admit_all(
    order: &WorkerOrder,
    context: &Rc<WorkerContext>,
    subscribers: &RefCell<Vec<Rc<Subscriber>>>,
    tasks: &RefCell<JoinSet<()>>,
) {
    let mut admitted = order.signals.admitted.clone();
    let traced = traced_subscriber(order.settings.subscribers);
    let mut waiting = order.indices.iter().copied().peekable();
    loop {
        let below = *admitted.borrow_and_update();
        while let Some(index) = waiting.next_if(|index| *index < below) {
            let trace = (index == traced).then(|| Trace::new(order.traced));
            let subscriber = Rc::new(Subscriber::new(Rc::clone(context), index, trace));
            tasks.borrow_mut().spawn_local(subscribers::subscribe(Rc::clone(&subscriber)));
            subscribers.borrow_mut().push(subscriber);
        }
        if admitted.changed().await.is_err() {
            // The runner has ended; the signal to stop ends this worker.
            std::future::pending::<()>().await;
        }
    }
}

/// Watches the event loop for stalls from the schedule's start until the trial ends.
async fn watch_stalls(context: &WorkerContext, stalls: &RefCell<TimeHistogram>) {
    stalls::watch(context.clock, context.started().await, stalls).await;
}

/// Reports to the runner how many subscribers are connected, until the trial ends.
async fn tell(context: &WorkerContext, gauge: &Gauge) {
    let mut reported = (0, 0);
    loop {
        let now = (context.tally.connected.get(), context.tally.turned_away.get());
        // The reason first: the runner reads it when it sees that no more subscribers will connect.
        if let (Some(error), Ok(mut last)) = (context.last_error.borrow_mut().take(), gauge.last_error.lock())
        {
            *last = Some(error);
        }
        gauge.connected.fetch_add(now.0 - reported.0, Release);
        gauge.turned_away.fetch_add(now.1 - reported.1, Release);
        if context.tally.is_hopeless.get() {
            gauge.is_hopeless.store(true, Release);
        }
        reported = now;
        sleep(LOOK_EVERY).await;
    }
}

/// Reads the counters at both edges of the window, and ends when everything has been delivered or the drain is
/// over.
async fn measure(
    context: &WorkerContext,
    subscribers: &RefCell<Vec<Rc<Subscriber>>>,
    signals: &Signals,
    readings: &mut Readings,
) {
    let Started { start_ns, window, numbers: (first, end) } = context.started().await;
    // All subscribers have been started by now, though behind an obstacle some may have no connection.
    let subscribers = subscribers.borrow().clone();
    sleep_until(context.instant(start_ns + window.start_ns)).await;
    readings.window_start = totals(context, &subscribers);
    sleep_until(context.instant(start_ns + window.end_ns)).await;
    readings.window_end = totals(context, &subscribers);
    let expected = subscribers.len() as u64 * (end - first);
    let settings = &context.settings;
    let under_way =
        *settings.drain + *settings.delivery_delay + *settings.delivery_jitter + settings.round_trips(2);
    let patience_ns = start_ns + window.end_ns + under_way.as_nanos() as u64;
    while context.tally.received.get() < expected && context.clock.now_ns() < patience_ns {
        sleep(LOOK_EVERY).await;
    }
    // An error means that the runner has ended, and the trial with it.
    let _ = signals.window_read.clone().wait_for(|read| *read).await;
    context.close();
    let (hold, drain) = (*context.settings.hold, *context.settings.drain);
    if context.pattern.is_held() && hold <= drain {
        // If a hold ended while the sockets are being closed, the answer would be sent but never read, and only
        // the server would count it.
        sleep(hold).await;
    }
    // Requests that were just counted are still being sent, and answers are in flight: wait until none moves.
    let moved = || totals(context, &subscribers).bytes().total();
    let mut before = moved();
    // A request that has just been sent on a new connection is answered two round trips later.
    let answered = settings.round_trips(2);
    let looks = if answered.is_zero() { MOST_LOOKS } else { MOST_LOOKS_BEHIND_NETWORK };
    for _ in 0..looks {
        sleep(LAST_WORDS + answered).await;
        let now = moved();
        if now == before {
            break;
        }
        before = now;
    }
}

/// Waits until the shared connections are closed. They close by themselves when they have no subscribers left.
async fn all_closed(context: &WorkerContext) {
    let is_open = || context.http2_connections().iter().any(|shared| shared.counters().stream.is_open());
    for _ in 0..MOST_LOOKS {
        if !is_open() {
            return;
        }
        sleep(LAST_WORDS).await;
    }
}

fn totals(context: &WorkerContext, subscribers: &[Rc<Subscriber>]) -> Totals {
    let mut totals = Totals::default();
    for subscriber in subscribers {
        totals.add(subscriber.counters());
    }
    for shared in context.http2_connections().iter() {
        totals.add(shared.counters());
    }
    totals
}

/// Counts the deliveries that never came, and adds them to the ages as censored: older than at the end.
fn settle(
    context: &WorkerContext,
    subscribers: &[Rc<Subscriber>],
    schedule: &Schedule,
    ended_ns: u64,
) -> Delivery {
    let Some(Started { start_ns, window, numbers: (first, end) }) = *context.started.borrow() else {
        return Delivery::default();
    };
    let tally = &context.tally;
    let mut delivery = Delivery {
        expected: subscribers.len() as u64 * (end - first),
        received: tally.received.get(),
        lost: 0,
        duplicated: tally.duplicated.get(),
        reordered: tally.reordered.get(),
        foreign: tally.foreign.get(),
    };
    for seq in subscribers.iter().flat_map(|subscriber| subscriber.missing_in(first, end)) {
        delivery.lost += 1;
        if let Some(event) = schedule.events().get((seq - first) as usize) {
            let age_ns = ended_ns.saturating_sub(start_ns + event.due_ns);
            context.recorder.borrow_mut().censor(window, event.due_ns, age_ns);
        }
    }
    delivery
}

#[cfg(test)]
mod tests {
    use contract::{Arrivals, Cursor, Epoch, Period, Scenario, Selection, Window, stamp};

    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    fn schedule() -> Schedule {
        let arrivals = Arrivals::Steady { rate_hz: 1.0 };
        Schedule::build(&arrivals, None, 1, Period::from_millis(10_000), 40).unwrap()
    }

    /// Two subscribers, and a schedule of ten events that began ten seconds ago.
    fn context_and_subscribers() -> (Rc<WorkerContext>, Vec<Rc<Subscriber>>, watch::Sender<Option<Started>>) {
        let scenario = "name = \"s\"\nquestion = \"q\"\nsetting = \"s\"\nlook_at = \"l\"\nsubscribers = 2\n\
                        measure = \"9s\"\n[events]\narrivals = \"silence\"\n";
        let plan = Scenario::from_toml("s.toml", scenario).unwrap().trials(Selection::Everything).remove(0);
        let clock = EpochClock::starting_at(schedule::monotonic_ns() - 10 * SECOND_NS);
        let window = Window { start_ns: SECOND_NS, end_ns: 10 * SECOND_NS };
        let (started, seen) = watch::channel(Some(Started { start_ns: 0, window, numbers: (1, 11) }));
        let target = "127.0.0.1:1".parse().unwrap();
        let speech = (ServerProtocol::ours(plan.pattern, Duration::ZERO), Arc::new(schedule()));
        let context = Rc::new(WorkerContext::new(
            target,
            1_460,
            (plan.pattern, plan.settings),
            0.0,
            clock,
            seen,
            speech,
        ));
        let subscribers =
            (0..2).map(|index| Rc::new(Subscriber::new(Rc::clone(&context), index, None))).collect();
        (context, subscribers, started)
    }

    #[test]
    fn lost_doubled_and_disordered_deliveries_are_told_apart_and_the_lost_stay_in_the_ages() {
        let (context, subscribers, _started) = context_and_subscribers();
        let schedule = schedule();
        let epoch = Epoch::from_random_bits(1);
        let deliver = |subscriber: &Subscriber, seq: u64| {
            let due_ns = schedule.events()[seq as usize - 1].due_ns;
            subscriber.deliver(Cursor { epoch, seq }, &stamp(due_ns, "payload"));
        };
        subscribers[0].connection().note_read();
        for subscriber in &subscribers {
            subscriber.place(Cursor { epoch, seq: 0 });
        }
        for seq in 1..=10 {
            deliver(&subscribers[0], seq);
        }
        for seq in [1, 2, 2, 4, 3, 7, 8] {
            deliver(&subscribers[1], seq);
        }
        subscribers[1].deliver(Cursor { epoch, seq: 9 }, "from elsewhere");
        let ended_ns = 12 * SECOND_NS;
        let delivery = settle(&context, &subscribers, &schedule, ended_ns);
        let expected =
            Delivery { expected: 20, received: 16, lost: 3, duplicated: 1, reordered: 1, foreign: 1 };
        assert_eq!(delivery, expected);
        let ages = context.recorder.borrow().ages();
        // Events 5, 6 and 10 are lost, due at 4.5, 5.5 and 9.5 s: 2.5 s is the smallest age at the end.
        assert_eq!((ages.censored, ages.censored_min_us), (3, 2_500_000));
        // Of the 16 that came, the two due at 0.5 s are before the window.
        assert_eq!(ages.arrived.count, 14);
    }

    /// A burst of six events that are due in the window: two come before its start, three in it and one after
    /// its end. An event of the warm-up comes late. Duplicates and foreign events also count in the window.
    #[test]
    fn what_arrives_between_the_edges_counts_beside_its_text_whatever_its_due() {
        let (context, subscribers, _started) = context_and_subscribers();
        let (schedule, epoch) = (schedule(), Epoch::from_random_bits(1));
        let text = |seq: u64| stamp(schedule.events()[seq as usize - 1].due_ns, "payload");
        let deliver = |seq: u64| subscribers[0].deliver(Cursor { epoch, seq }, &text(seq));
        subscribers[0].connection().note_read();
        subscribers[0].place(Cursor { epoch, seq: 0 });
        [2, 3].into_iter().for_each(deliver);
        let mut readings = Readings { window_start: totals(&context, &subscribers), ..Readings::default() };
        [4, 5, 6, 1, 6].into_iter().for_each(deliver);
        subscribers[1].deliver(Cursor { epoch, seq: 9 }, &"x".repeat(text(1).len()));
        readings.window_end = totals(&context, &subscribers);
        deliver(7);
        let (start, end) = (&readings.window_start, &readings.window_end);
        assert_eq!(end.deliveries_since(start), 6);
        assert_eq!(end.bytes_since(start).payload, 6 * text(1).len() as u64);
        let mut both = readings;
        both.merge(&readings);
        assert_eq!(both.window_end.deliveries_since(&both.window_start), 12);
    }
}
