//! The shared writer over in-memory sockets, with tokio's clock paused.

use contract::{After, Heartbeat, Period};
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    time::Instant,
};

use super::*;
use crate::{app::AppSettings, handoff::Handoff};

const PERIOD: Duration = Duration::from_secs(15);
/// Deadlines are met within a slot.
const SLOT: Duration = Duration::from_millis(8);
const STREAMS: [Http1Stream; 2] = [Http1Stream::Sse, Http1Stream::WebSocket];

struct Live {
    app: Arc<App>,
    handoffs: mpsc::UnboundedSender<HandoffRequest<DuplexStream>>,
}

impl Live {
    fn start(heartbeat: Heartbeat) -> Self {
        let app = Arc::new(App::new(&AppSettings { heartbeat, ..AppSettings::default() }));
        let (handoffs, received) = mpsc::unbounded_channel();
        tokio::spawn(SharedWriter::new(Arc::clone(&app), Arc::default(), received, |_, _| {}).run());
        Self { app, handoffs }
    }

    /// A client that has read the first bytes of its stream.
    async fn subscribe(&self, stream: Http1Stream) -> DuplexStream {
        let (near, mut far) = duplex(1 << 10);
        let start = self.app.log().resume(After::Now);
        let handoff = match stream {
            Http1Stream::Sse => Handoff::Sse { start, types: None },
            Http1Stream::WebSocket => Handoff::WebSocket { start },
        };
        let request = HandoffRequest { stream: near, early: Bytes::new(), first: Bytes::new(), handoff };
        self.handoffs.send(request).unwrap();
        assert_eq!(next(&mut far).await, stream.first(&start));
        far
    }

    fn publish(&self, text: &str) {
        self.app.log().append(None, text).unwrap();
    }
}

/// The bytes of one read.
async fn next(client: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.read_buf(&mut bytes).await.unwrap();
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

#[tokio::test(start_paused = true)]
async fn a_steady_heartbeat_is_neither_early_nor_late_and_does_not_care_for_events() {
    for stream in STREAMS {
        let live = Live::start(Heartbeat::Every(Period::from_millis(PERIOD.as_millis() as u64)));
        let began = Instant::now();
        let mut client = live.subscribe(stream).await;
        for beats in 1..=10 {
            sleep(PERIOD / 3).await;
            live.publish("an event");
            assert!(contains(&next(&mut client).await, "an event"));
            assert_eq!(next(&mut client).await, stream.heartbeat());
            let late = began.elapsed() - PERIOD * beats;
            assert!(late <= SLOT, "{stream:?}: {late:?} late");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_heartbeat_waits_for_a_whole_silent_period() {
    for stream in STREAMS {
        let live = Live::start(Heartbeat::WhenIdle(Period::from_millis(PERIOD.as_millis() as u64)));
        let mut client = live.subscribe(stream).await;
        for number in 0..5 {
            sleep(PERIOD - SLOT).await;
            live.publish(&format!("event {number}"));
            assert!(contains(&next(&mut client).await, &format!("event {number}")));
        }
        let silent = Instant::now();
        for beats in 1..=2 {
            assert_eq!(next(&mut client).await, stream.heartbeat());
            let late = silent.elapsed() - PERIOD * beats;
            assert!(late <= SLOT * beats, "{stream:?}: {late:?} late");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_heartbeat_nothing_is_sent_but_events() {
    for stream in STREAMS {
        let live = Live::start(Heartbeat::Off);
        let mut client = live.subscribe(stream).await;
        sleep(Duration::from_secs(3_600)).await;
        live.publish("an event");
        assert!(contains(&next(&mut client).await, "an event"));
    }
}
